import type { Clock, Timer } from '../base/clock.ts';
import { millisecondsOf, ticksOf } from '../base/ticks.ts';
import type { Pod } from '../connections/connection.ts';
import { tellingRun } from '../health/failure-rates.ts';
import { type Call, durationOf } from './call.ts';
import { GivenUpShare } from './given-up-share.ts';

/** Requests that were given up count as load for so many times as long as their endpoint has been silent. */
const TIMES = 3;
/** But for this many milliseconds at most, as long as the longest ejection by default. */
const LONGEST = 300_000;
/** Shorter than this isn't worth a timer. */
const SHORTEST = 10;
/** Milliseconds between two looks at a silent endpoint, at most. */
const LOOK = 1_000;

/** An endpoint that has served nothing since requests to it were given up. */
class Silence {
  readonly endpoint: Pod;
  /** How many requests the endpoint had got when it last served one. */
  readonly base: number;
  /** When the first request was sent that was given up, on the clock. */
  readonly since: number;
  /** How many requests were given up. */
  run = 0;
  /** How many of them count as load. */
  held = 0;
  /** Until when all of them do, on the clock; and for how many milliseconds the last one does. */
  until = 0;
  duration = 0;
  /** How many of them no longer count after that. */
  step = 1;
  timer: Timer | undefined = undefined;

  constructor(endpoint: Pod, since: number) {
    this.endpoint = endpoint;
    this.base = baseOf(endpoint);
    this.since = since;
  }

  /** Whether the endpoint has served a request, or has left. */
  get isOver(): boolean {
    return this.endpoint.isDraining || this.base !== baseOf(this.endpoint);
  }
}

/**
 * Lets requests that their callers gave up without an answer count as load, while their endpoint is silent. Without
 * that, an endpoint that hangs looks least loaded whenever a caller gives up, and gets the next request, for ever.
 *
 * Callers may give up for reasons of their own. So this is no failure, and it ends when the endpoint serves a request.
 * And it counts only if the endpoint was given up more often in a row than the habits of these callers explain. While
 * the endpoint stays silent, it gets one request at a time, after pauses that become longer and longer.
 */
export class SilenceHolds {
  readonly #clock: Clock;
  readonly #share = new GivenUpShare();
  readonly #silences = new WeakMap<Pod, Silence>();
  /** Those of which requests count as load. */
  readonly #holding = new Set<Silence>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A call was given up that is unanswered.
   *
   * @param begun how many calls the service has sent, since the start
   * @returns whether it counts as load from now on
   */
  add(endpoint: Pod, call: Call, begun: number): boolean {
    this.#share.add(begun);
    if (endpoint.isDraining) return false;
    const now = this.#clock.now();
    const silence = this.#silenceOf(endpoint, now - millisecondsOf(durationOf(call, ticksOf(now))));
    silence.run++;
    if (silence.run < tellingRun(1, this.#share.without(silence.run, begun))) return false;
    const duration = TIMES * (now - Math.max(silence.since, endpoint.heardAt));
    if (duration < SHORTEST) return false;
    silence.duration = Math.min(duration, LONGEST);
    silence.until = now + silence.duration;
    silence.step = 1;
    silence.held++;
    this.#holding.add(silence);
    this.#lookLater(silence, silence.duration);
    return true;
  }

  clear(): void {
    for (const { timer } of this.#holding) timer?.cancel();
    this.#holding.clear();
  }

  #silenceOf(endpoint: Pod, sentAt: number): Silence {
    const before = this.#silences.get(endpoint);
    if (before?.isOver === false) return before;
    if (before !== undefined) this.#release(before, before.held);
    const silence = new Silence(endpoint, sentAt);
    this.#silences.set(endpoint, silence);
    return silence;
  }

  #lookLater(silence: Silence, delay: number): void {
    silence.timer ??= this.#clock.schedule(() => this.#look(silence), Math.min(delay, LOOK));
  }

  #look(silence: Silence): void {
    silence.timer = undefined;
    const now = this.#clock.now();
    if (silence.isOver) this.#release(silence, silence.held);
    // While it has a request, that one will tell.
    else if (now >= silence.until && silence.endpoint.inFlight === 0) this.#releaseSome(silence, now);
    if (silence.held > 0)
      this.#lookLater(silence, now < silence.until ? silence.until - now : silence.duration);
  }

  /** Makes room for a request. If there is less traffic by now, that takes more room, up to all. */
  #releaseSome(silence: Silence, now: number): void {
    this.#release(silence, Math.min(silence.step, silence.held));
    silence.step *= 2;
    silence.until = now + Math.min(silence.duration, LOOK);
  }

  #release(silence: Silence, count: number): void {
    silence.held -= count;
    for (let n = 0; n < count; n++) silence.endpoint.unhold();
    if (silence.held > 0) return;
    silence.timer?.cancel();
    silence.timer = undefined;
    this.#holding.delete(silence);
  }
}

function baseOf({ requests, unanswered }: Pod): number {
  return requests - unanswered;
}
