import { type Clock, nextTurn, queueMicrotask, type Timer } from '../base/clock.ts';
import { outsideRequests } from '../base/context.ts';
import { ResolverError } from '../base/errors.ts';
import { checked, described } from './checked.ts';
import { Pace } from './pace.ts';
import type { Resolution, Resolver, ResolveTarget } from './resolver.ts';

const FIRST_BACKOFF = 1_000;
const BACKOFF_FACTOR = 1.6;
const LONGEST_BACKOFF = 30_000;
/** The longest that a request waits for a resolver that threw to be started again. */
const LONGEST_WAIT = 2_000;
/** Values that a resolver may yield without waiting, and milliseconds for each that comes after these. */
const BURST = 100;
const INTERVAL = 100;

export interface FollowerOptions {
  resolver: Resolver;
  target: ResolveTarget;
  clock: Clock;
  random: () => number;
  /** Takes what the resolver yields. It has been checked. */
  onResolution: (resolution: Resolution) => void;
  /** Whether the next value is wanted now; if not, `demand` is called when it is. */
  isWanted: () => boolean;
  /** Whether requests wait with nothing known, so that a resolver that threw is started again soon. */
  isUrgent: () => boolean;
}

/** Follows a resolver for as long as somebody wants to know, and starts it again when it fails. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #abort = new AbortController();
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  /** When the timer is due, and when it would be were requests to wait. */
  #due = 0;
  #urgentlyDue = 0;
  /** In a row, without having run for as long as the last pause was. */
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    // Later: a resolver may speak, or throw, before its first wait.
    outsideRequests(() => queueMicrotask(() => void this.#run()));
  }

  /** Says that the next value is wanted. */
  demand(): void {
    if (this.#timer === undefined) this.#goOn();
    else if (this.#urgentlyDue < this.#due && this.#options.isUrgent()) this.#goOnAt(this.#urgentlyDue);
  }

  stop(): void {
    this.#abort.abort();
    this.#goOn();
  }

  async #run(): Promise<void> {
    const { resolver, target, clock, onResolution, isWanted } = this.#options;
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
          // A resolver that never waits must neither keep all else from going on, nor take a core.
          await nextTurn(clock);
          const early = pace.count();
          if (early > 0 && !signal.aborted) await this.#pause(early);
          if (!isWanted()) await this.#pause();
          if (signal.aborted) return;
        }
        // It has said all there is to say.
        if (known) return;
        if (!spoke) throw new ResolverError('the resolver ended without a word');
      } catch (error) {
        if (signal.aborted) return;
        onResolution({ error: asError(error) });
      }
      if (clock.now() - startedAt > delay) this.#failures = 0;
      // The first time, a request that comes has it started again at once.
      const wait = this.#failures === 0 ? 0 : LONGEST_WAIT;
      const backoff = Math.min(FIRST_BACKOFF * BACKOFF_FACTOR ** this.#failures++, LONGEST_BACKOFF);
      delay = backoff * (0.8 + 0.4 * this.#options.random());
      await nextTurn(clock);
      if (!signal.aborted) await this.#pause(delay, Math.min(delay, wait));
      if (!isWanted() && !signal.aborted) await this.#pause();
    }
  }

  /** Waits for `delay`, or only for `urgent` while requests wait; without a delay until `demand` is called. */
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
