// What tests ask of pods that take calls, and of the clients that call them, be they of grpc-js or of connect-node.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** A pod that counts the calls that it has had, and those that it has not ended. */
interface CalledPod {
  readonly address: string;
  readonly calls: number;
  readonly open: number;
  /** Answers no call from now on, until it is released. */
  hold(): void;
  release(): void;
  kill(): void;
}

interface Caller {
  /** Resolves to the address of the pod that answered. */
  call(): Promise<string>;
  calls(count: number, width?: number): Promise<Map<string, number>>;
}

/** Calls that each pod has had. */
export function callsOf(pods: readonly Pick<CalledPod, 'calls'>[]): number[] {
  return pods.map(({ calls }) => calls);
}

/** Calls that no pod has ended yet. */
export function openOf(pods: readonly Pick<CalledPod, 'open'>[]): number {
  return pods.reduce((sum, { open }) => sum + open, 0);
}

/** Kills the first of some pods while all of them have calls, and checks that those under way there fail, and no others. */
export async function killOne(pods: readonly CalledPod[], client: Caller): Promise<void> {
  await client.calls(30, 6);
  const [victim, ...others] = pods;
  for (const pod of pods) pod.hold();
  const results = Promise.allSettled(Array.from({ length: 30 }, () => client.call()));
  while (openOf(pods) < 30) await sleep(1);
  const { open } = victim!;
  victim!.kill();
  for (const pod of others) pod.release();
  const failed = (await results).filter(({ status }) => status === 'rejected');
  assert.equal(failed.length, open);
  const answers = await client.calls(200, 10);
  assert.deepEqual([...answers.keys()].sort(), others.map(({ address }) => address).sort());
}

/** Calls so many times, `width` at a time. Resolves to how often each answer came. */
export async function countAnswers(
  call: () => Promise<string>,
  count: number,
  width: number,
): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const answer = await call();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return answers;
}

/** Sends 200 calls, twelve at a time, while one pod holds all it gets, and checks that the others get nine in ten of them. */
export async function slowPodGetsFewer(
  client: Caller,
  slow: CalledPod,
  quick: readonly CalledPod[],
): Promise<void> {
  await client.calls(9, 3);
  slow.hold();
  const done = client.calls(200, 12);
  const others = () => callsOf(quick).reduce((sum, calls) => sum + calls, 0);
  while (others() < 180 && slow.calls <= 12) await sleep(1);
  slow.release();
  // It has what it can't help: a few calls more than the others have at the moment.
  assert.ok(others() >= 180, `${slow.calls}`);
  await done;
}
