import type { Clock } from '../../base/clock.ts';

/** Settles like `promise`, or at once with `undefined` when `signal` aborts. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

/** Waits until `time`, on the clock, or until one of `signals` aborts. Doesn't keep the process alive. */
export function until(time: number, clock: Clock, ...signals: AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted) || clock.now() >= time) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      for (const signal of signals) signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.schedule(end, Math.ceil(time - clock.now()));
    for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  });
}
