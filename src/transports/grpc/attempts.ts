import type { Clock } from '../../core/base/clock.ts';
import { setImmediate } from '../../core/base/clock.ts';
import type { Demand } from '../../core/base/demand.ts';
import { ticksOf } from '../../core/base/ticks.ts';
import { FailureHolds } from '../../core/endpoints/failure-holds.ts';
import type { Pickers } from '../../core/endpoints/pickers.ts';
import { QuickErrors } from '../../core/endpoints/quick-errors.ts';
import type { Health } from '../../core/health/health.ts';
import type { GrpcEndpoint, GrpcSlot } from './grpc-endpoint.ts';
import { type Metadata, PICKS, type PickResult, type Subchannel } from './grpc-js.ts';
import { isOk, outcomeOf, pushbackOf, statusOf } from './outcome-of.ts';
import { LASTING, Running } from './running.ts';
import { type GrpcSession, isEnding, isOpen, sessionOf } from './session.ts';

/** How much one call changes the mean latency. */
const NEWS = 1 / 16;

export interface AttemptsOptions {
  pickers: Pickers<GrpcEndpoint>;
  health: Health<GrpcEndpoint>;
  demand: Demand;
  clock: Clock;
  /** Whether this process stood still for a while. */
  isHeldUp: (now: number) => boolean;
  /** An endpoint has one call less. `fails`: its connection fails, and another one may lead to another pod. */
  onEnded: (slot: GrpcSlot, fails: boolean) => void;
}

/**
 * One try of a call: to grpc-js, the result of a pick.
 *
 * `picked`: it counts, because grpc-js picks for all calls of a burst before any of them starts. The next state comes
 * when it starts, a promise later, or at the end of the turn. `given-back`: it had not started by then, and may never
 * start; its credentials may take a while. `running`: until it ends, or lasts. `apart`: it has run for so long that it
 * counts apart. `ended`.
 */
export class Attempt implements PickResult {
  readonly pickResultType = PICKS.COMPLETE;
  readonly subchannel: Subchannel;
  readonly status = null;
  readonly onCallEnded: (code: number, details?: string, metadata?: Metadata) => void;
  readonly slot: GrpcSlot;
  state: 'picked' | 'given-back' | 'running' | 'apart' | 'ended' = 'picked';
  /** When it was picked, or when it started; on the clock. */
  since: number;
  /** The connection on which it started. At its end, its subchannel may have another one. */
  session: GrpcSession | undefined = undefined;
  /** Its neighbours in the list of attempts that have not ended. */
  previous: Attempt | undefined = undefined;
  next: Attempt | undefined = undefined;
  readonly #owner: Attempts;

  constructor(subchannel: Subchannel, slot: GrpcSlot, since: number, owner: Attempts) {
    this.subchannel = subchannel;
    this.slot = slot;
    this.since = since;
    this.#owner = owner;
    // grpc-js calls this without its object.
    this.onCallEnded = (code, details, metadata) => owner.onEnded(this, code, details, metadata);
  }

  onCallStarted(): void {
    this.#owner.onStarted(this);
  }

  /** The same as `onCallEnded`. Returns whether the end of its connection refused it, so that it may be sent again. */
  end(code: number, details: string, metadata: Metadata): boolean {
    return this.#owner.onEnded(this, code, details, metadata);
  }
}

/** Counts each attempt: where it is in flight, how long it takes, how it ends. */
export class Attempts {
  /** How many attempts have begun, since the start. */
  begun = 0;
  /** How many failed. */
  failures = 0;
  readonly #options: AttemptsOptions;
  readonly #holds: FailureHolds;
  readonly #quickErrors = new QuickErrors();
  readonly #observes: boolean;
  readonly #running = new Running<Attempt>();
  /** Attempts of this turn, which may never start. */
  #picked: Attempt[] = [];
  /** The mean latency of calls that were served, in milliseconds. */
  #latency = 0;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#holds = new FailureHolds(options.clock);
    this.#observes = options.pickers.observes;
  }

  stop(): void {
    this.#holds.clear();
  }

  /** Counts an attempt when it is picked, because grpc-js picks for a whole burst before any of its calls starts. */
  begin(subchannel: Subchannel, slot: GrpcSlot): Attempt {
    const { pickers, clock } = this.#options;
    const attempt = new Attempt(subchannel, slot, clock.now(), this);
    pickers.ready.used(slot.endpoint);
    this.#count(slot);
    this.#quickErrors.release(++this.begun);
    if (this.#picked.length === 0) setImmediate(this.#giveBack);
    this.#picked.push(attempt);
    return attempt;
  }

  #count(slot: GrpcSlot): void {
    this.#options.demand.running++;
    slot.endpoint.begin(slot);
  }

  /** If an attempt has not started by the end of the turn, nobody knows whether it will. */
  readonly #giveBack = (): void => {
    const picked = this.#picked;
    this.#picked = [];
    for (const attempt of picked) {
      if (attempt.state !== 'picked') continue;
      attempt.state = 'given-back';
      this.#options.demand.running--;
      attempt.slot.endpoint.end(attempt.slot, false, false);
      this.#options.onEnded(attempt.slot, false);
    }
  };

  onStarted(attempt: Attempt): void {
    if (attempt.state === 'given-back') {
      attempt.since = this.#options.clock.now();
      this.#count(attempt.slot);
    }
    attempt.state = 'running';
    attempt.session = sessionOf(attempt.subchannel);
    this.#running.add(attempt);
  }

  /** Versions of grpc-js before 1.14 pass the code only. Returns whether the end of its connection refused the call. */
  onEnded(attempt: Attempt, code: number, details?: string, metadata?: Metadata): boolean {
    const { slot, state } = attempt;
    if (state !== 'running' && state !== 'apart') return false;
    const { endpoint } = slot;
    const { health, clock } = this.#options;
    const now = clock.now();
    const isBroken = !isOk(code) && !isOpen(attempt.session);
    const ended = outcomeOf(code, details, isBroken, isEnding(attempt.session));
    const outcome = this.#blame(ended, now - attempt.since, now);
    const status = outcome === 'refused' ? 0 : statusOf(code);
    const failed = outcome === 'failure' || outcome === 'timeout' || status === 503;
    if (failed) this.failures++;
    attempt.state = 'ended';
    if (state === 'apart') {
      endpoint.endApart(slot, failed);
    } else {
      if (failed) this.#holds.add(endpoint);
      this.#running.delete(attempt);
      this.#options.demand.running--;
      endpoint.latency.count(ticksOf(now - attempt.since), ticksOf(now));
      this.#observe(
        endpoint,
        now - attempt.since,
        failed,
        outcome === 'cancelled' || outcome === 'refused',
        code,
      );
      const isQuickError = !failed && outcome === 'success' && status >= 400;
      if (isQuickError) this.#quickErrors.add(endpoint, this.begun + this.#options.demand.running);
      endpoint.end(slot, failed, failed || isQuickError);
    }
    if (outcome === 'success' && !failed) endpoint.onServed();
    const pause = pushbackOf(code, metadata);
    if (pause > 0) health.onPushback(endpoint, status, pause);
    this.#options.onEnded(slot, health.judge(endpoint, slot, outcome, status));
    return outcome === 'refused';
  }

  /**
   * Whether the endpoint used up the caller's time. Not if the caller gave less time than calls usually take, or if
   * this process stood still.
   */
  #blame<O>(outcome: O | 'timeout', took: number, now: number): O | 'timeout' | 'cancelled' {
    if (outcome !== 'timeout') return outcome;
    return took >= 2 * this.#latency && !this.#options.isHeldUp(now) ? 'timeout' : 'cancelled';
  }

  #observe(endpoint: GrpcEndpoint, took: number, failed: boolean, isGivenUp: boolean, code: number): void {
    if (isOk(code)) this.#latency += (took - this.#latency) * NEWS;
    if (!this.#observes) return;
    const observation = failed ? 'failed' : isGivenUp ? 'given-up' : 'answered';
    // An endpoint that fails fast may serve slowly. So an error counts at least as much as a usual call.
    const latency = observation === 'answered' && !isOk(code) ? Math.max(took, this.#latency) : took;
    this.#options.pickers.observe(endpoint, latency, observation);
  }

  /** Counts long calls apart, so that they push no other call away. */
  sweep(now: number): void {
    for (let oldest = this.#oldest(now); oldest !== undefined; oldest = this.#oldest(now)) {
      this.#running.delete(oldest);
      this.#options.demand.running--;
      oldest.state = 'apart';
      oldest.slot.endpoint.setApart();
    }
  }

  #oldest(now: number): Attempt | undefined {
    return this.#running.olderThan(now - LASTING);
  }
}
