import { setTimeout as delay } from 'node:timers/promises';

/** Sends `requests` requests as fast as they go, `concurrency` at a time. */
export async function flatOut(
  send: () => Promise<unknown>,
  requests: number,
  concurrency: number,
): Promise<void> {
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** Sends requests as fast as they go for some milliseconds; returns how many. */
export async function flatOutFor(
  duration: number,
  send: () => Promise<unknown>,
  concurrency: number,
): Promise<number> {
  const end = performance.now() + duration;
  let requests = 0;
  const worker = async (): Promise<void> => {
    for (; performance.now() < end; requests++) await send();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return requests;
}

/** Sends `rate` requests a second at even distances for `seconds`, however long each takes. */
export async function steadily(
  send: () => Promise<unknown>,
  rate: number,
  seconds: number,
  onSecond?: (elapsed: number) => void,
): Promise<void> {
  const startedAt = performance.now();
  const pending: Promise<unknown>[] = [];
  for (let n = 0; n < rate * seconds; n++) {
    const wait = startedAt + (n * 1000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    pending.push(send());
    if (n % rate === 0) onSecond?.(n / rate);
  }
  await Promise.all(pending);
}
