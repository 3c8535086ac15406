import type { Clock } from '../base/clock.ts';
import { millisecondsOf, ticksOf } from '../base/ticks.ts';
import type { Pod } from '../connections/connection.ts';
import { tellingRun } from '../health/failure-rates.ts';
import type { Health } from '../health/health.ts';
import { Accusers } from './accusers.ts';
import { type Call, durationOf } from './call.ts';
import { GivenUpShare } from './given-up-share.ts';
import { Silence } from './silence.ts';

/** Requests that were given up count as load for so many times as long as their endpoint has been silent. */
const TIMES = 3;
/** But for this many milliseconds at most, as long as the longest ejection by default. */
const LONGEST = 300_000;
/** And for so many times as long as the last caller has waited: who leaves soon hardly knows whether it answers. */
const PATIENCES = 1_000;
/** Shorter than this isn't worth a timer. */
const SHORTEST = 10;
/** Milliseconds between two looks at a silent endpoint, at most. */
const LOOK = 1_000;
/** After so many in a row, an endpoint gets one request at a time. */
const SEVERAL = 5;

/**
 * Lets requests that their callers gave up without an answer count as load, while their endpoint is silent. Without
 * that, an endpoint that hangs looks least loaded whenever a caller gives up, and gets the next request, for ever. If
 * there are several in a row, tells health, which spares the endpoint whatever its load: for the policies that don't look
 * at loads, and for calls with a key.
 *
 * Callers may give up for reasons of their own. So this is no failure, and it ends when the endpoint serves a request.
 * And it counts only if the endpoint was given up more often in a row than the habits of these callers explain. While
 * the endpoint stays silent, it gets one request at a time, after pauses that become longer and longer.
 *
 * While several endpoints are given up and none answers, nothing counts as load, and the pauses stay short. So all have
 * their share again soon after they answer.
 */
export class SilenceHolds {
  /** When an endpoint last answered, on the clock; more exactly, when the last call before that was sent. */
  heardAt = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  readonly #health: Health<Pod>;
  readonly #share = new GivenUpShare();
  /** The share of each endpoint. */
  readonly #shares = new WeakMap<Pod, GivenUpShare>();
  readonly #silences = new WeakMap<Pod, Silence>();
  readonly #accusers = new Accusers();
  /** Those that are looked at. */
  readonly #watched = new Set<Silence>();
  /** How many calls had been sent when one was last given up. */
  #begun = 0;
  /** When that was, on the clock. */
  #lastAt = Number.NEGATIVE_INFINITY;
  /** The endpoint that was given up since one last answered, if it is only one. */
  #only: Pod | undefined;

  constructor(clock: Clock, health: Health<Pod>) {
    this.#clock = clock;
    this.#health = health;
  }

  /**
   * A call was given up that is unanswered.
   *
   * @param begun how many calls the service has sent, since the start
   * @returns whether it counts as load from now on
   */
  add(endpoint: Pod, call: Call, begun: number): boolean {
    this.#begun = begun;
    this.#share.add(begun);
    const { keyHash } = call;
    if (keyHash >= 0) this.#excuse(this.#accusers.onGivenUp(keyHash, endpoint));
    if (endpoint.isDraining) return false;
    const now = this.#clock.now();
    const sentAt = now - millisecondsOf(durationOf(call, ticksOf(now)));
    const silence = this.#silenceOf(endpoint, sentAt);
    const isAlone = this.#isAlone(silence, sentAt);
    if (!isAlone) silence.restart(sentAt);
    silence.lastAt = this.#lastAt = now;
    silence.count(keyHash);
    if (!this.#isTelling(silence, 1)) return false;
    const silent = now - Math.max(silence.since, endpoint.heardAt);
    const duration = Math.min(TIMES * silent, PATIENCES * (now - sentAt), LONGEST);
    if (duration < SHORTEST) return false;
    silence.pause(now, duration);
    this.#spare(silence);
    // With a key, the endpoint gets calls whatever its load.
    const held = keyHash < 0 && isAlone;
    if (held) silence.held++;
    if (silence.isWatched) this.#lookLater(silence, silence.duration);
    return held;
  }

  /** A call with a key was served. */
  onKeyServed({ keyHash }: Call): void {
    this.#accusers.onServed(keyHash);
  }

  clear(): void {
    for (const { timer } of this.#watched) timer?.cancel();
    this.#watched.clear();
  }

  /** Whether other endpoints answer, as far as is known. If they don't, all may wait for the same database. */
  #isAlone({ endpoint, lastAt }: Silence, sentAt: number): boolean {
    if (this.heardAt > this.#lastAt) this.#only = endpoint;
    else if (this.#only !== endpoint) this.#only = undefined;
    return this.heardAt >= Math.min(sentAt, lastAt) || this.#only === endpoint;
  }

  #silenceOf(endpoint: Pod, sentAt: number): Silence {
    let share = this.#shares.get(endpoint);
    if (share === undefined) this.#shares.set(endpoint, (share = new GivenUpShare()));
    const before = this.#silences.get(endpoint);
    const isNew = before === undefined || before.isOver;
    if (before !== undefined && isNew) this.#end(before);
    const silence = isNew ? new Silence(endpoint, sentAt, share.without(0, endpoint.requests)) : before;
    share.add(endpoint.requests);
    this.#silences.set(endpoint, silence);
    return silence;
  }

  /** Whether an endpoint was given up so often in a row that neither its own habit explains it nor that of the others. */
  #isTelling({ run, habit }: Silence, least: number): boolean {
    const others = this.#share.without(run, this.#begun);
    return run >= tellingRun(least, least === 1 ? others : Math.max(others, habit));
  }

  #spare(silence: Silence): void {
    if (!this.#isTelling(silence, SEVERAL)) {
      this.#spareNoLonger(silence);
      return;
    }
    if (!silence.spared) this.#accusers.add(silence);
    silence.spared = this.#health.setSilence(silence.endpoint, 'resting');
  }

  /** Most of the calls that were given up would have been given up anywhere. */
  #excuse(silence: Silence | undefined): void {
    if (silence === undefined) return;
    this.#spareNoLonger(silence);
    silence.excuse();
  }

  #spareNoLonger(silence: Silence): void {
    if (!silence.spared) return;
    silence.spared = false;
    this.#accusers.remove(silence);
    this.#health.setSilence(silence.endpoint, undefined);
  }

  #lookLater(silence: Silence, delay: number): void {
    this.#watched.add(silence);
    silence.timer ??= this.#clock.schedule(() => this.#look(silence), Math.min(delay, LOOK));
  }

  #look(silence: Silence): void {
    silence.timer = undefined;
    const now = this.#clock.now();
    if (silence.isOver) this.#end(silence);
    else if (!this.#isTelling(silence, SEVERAL)) this.#spareNoLonger(silence);
    // While it has a request, that one will tell.
    if (now >= silence.until && silence.endpoint.inFlight === 0) this.#ask(silence, now);
    if (silence.isWatched)
      this.#lookLater(silence, now < silence.until ? silence.until - now : silence.duration);
    else this.#watched.delete(silence);
  }

  /**
   * Makes room for a request. If there is less traffic by now, that takes more room, up to all. An endpoint that was
   * spared gets one request at a time, whatever room there is.
   */
  #ask(silence: Silence, now: number): void {
    silence.release(silence.spared ? silence.held : silence.step);
    silence.step *= 2;
    silence.until = now + Math.min(silence.duration, LOOK);
    if (silence.spared) this.#health.setSilence(silence.endpoint, 'asked');
  }

  #end(silence: Silence): void {
    silence.release(silence.held);
    this.#spareNoLonger(silence);
    silence.timer?.cancel();
    silence.timer = undefined;
    this.#watched.delete(silence);
  }
}
