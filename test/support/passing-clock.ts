import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeClock } from './clock.ts';
import { settle } from './pods.ts';

/**
 * A clock whose time passes as long as the test lasts: never faster than real time, and a millisecond only after all that
 * was due has happened, so that no time passes while this process stands still.
 */
export function startPassingClock(t: TestContext): FakeClock {
  const clock = new FakeClock();
  let over = false;
  t.after(() => {
    over = true;
  });
  const pass = async () => {
    for (; !over; clock.advance(1)) {
      await sleep(1);
      await settle();
    }
  };
  void pass();
  return clock;
}
