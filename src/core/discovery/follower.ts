import { backoff, USUAL } from '../base/backoff.ts';
import { type Clock, nextTurn, queueMicrotask, type Timer } from '../base/clock.ts';
import { outsideRequests } from '../base/context.ts';
import { ResolverError } from '../base/errors.ts';
import { checked, described } from './checked.ts';
import { Pace } from './pace.ts';
import type { Resolution, Resolver, ResolveTarget } from './resolver.ts';

/** At most so long does a request wait until a resolver that threw is started again, in milliseconds. */
const LONGEST_WAIT = 2_000;
/** A resolver may yield so many values without waiting. After that, one value in so many milliseconds. */
const BURST = 100;
const INTERVAL = 100;

export interface FollowerOptions {
  resolver: Resolver;
  target: ResolveTarget;
  clock: Clock;
  random: () => number;
  /** Called with each value, which was checked. */
  onResolution: (resolution: Resolution) => void;
  /** Whether the next value is wanted now. If not, `demand` is called later. */
  isWanted: () => boolean;
  /** Whether requests wait and nothing is known. Then a resolver that threw is started again soon. */
  isUrgent: () => boolean;
}

/** Follows a resolver as long as needed, and starts it again if it fails. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #abort = new AbortController();
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  /** When the timer is due, and when it would be due if requests waited. */
  #due = 0;
  #urgentlyDue = 0;
  /** How many failures came in a row, each before the resolver had run for as long as the last pause. */
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    // In a microtask, because a resolver may yield or throw before its first await.
    outsideRequests(() => queueMicrotask(() => void this.#run()));
  }

  /** The next value is wanted. */
  demand(): void {
    if (this.#timer === undefined) this.#goOn();
    else if (this.#urgentlyDue < this.#due && this.#options.isUrgent()) this.#goOnAt(this.#urgentlyDue);
  }

  stop(): void {
    this.#abort.abort();
    this.#goOn();
  }

  async #run(): Promise<void> {
    const { resolver, target, clock, random, onResolution, isWanted } = this.#options;
    const { signal } = this.#abort;
    const pace = new Pace(clock, BURST, INTERVAL);
    let delay = 0;
    while (!signal.aborted) {
      const startedAt = clock.now();
      let known = false;
      let spoke = false;
      try {
        for await (const resolution of resolver(target, signal)) {
          if (signal.aborted) return;
          spoke = true;
          known ||= 'endpoints' in checked(resolution);
          onResolution(resolution);
          // A resolver that never waits must not block the process, or use a whole core.
          await nextTurn(clock);
          const early = pace.count();
          if (early > 0 && !signal.aborted) await this.#pause(early);
          if (!isWanted()) await this.#pause();
          if (signal.aborted) return;
        }
        // The resolver has ended. Its last value stays.
        if (known) return;
        if (!spoke) throw new ResolverError('the resolver ended without a word');
      } catch (error) {
        if (signal.aborted) return;
        onResolution({ error: asError(error) });
      }
      if (clock.now() - startedAt > delay) this.#failures = 0;
      // After the first failure, the next request starts it again at once.
      const wait = this.#failures === 0 ? 0 : LONGEST_WAIT;
      delay = backoff(this.#failures++, USUAL, random);
      await nextTurn(clock);
      if (!signal.aborted) await this.#pause(delay, Math.min(delay, wait));
      if (!isWanted() && !signal.aborted) await this.#pause();
    }
  }

  /** Waits for `delay` milliseconds, or only `urgent` if requests wait. Without a delay, waits until `demand` is called. */
  #pause(delay?: number, urgent = delay): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (delay === undefined || urgent === undefined) return;
      const now = this.#options.clock.now();
      this.#urgentlyDue = now + urgent;
      this.#goOnAt(this.#options.isUrgent() ? this.#urgentlyDue : now + delay);
    });
  }

  #goOnAt(time: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#due = time;
    this.#timer = clock.schedule(() => this.#goOn(), Math.max(0, time - clock.now()));
  }

  #goOn(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wake?.();
    this.#wake = undefined;
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new ResolverError(`the resolver threw ${described(error)}`);
}
