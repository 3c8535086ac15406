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
import { Running } from './running.ts';
import { type GrpcSession, isEnding, isOpen, sessionOf } from './session.ts';

/** Milliseconds after which a call is counted apart: it is a stream, for all we know. */
const LASTING = 5_000;
/** The part of the usual latency that each call makes. */
const NEWS = 1 / 16;

export interface AttemptsOptions {
  pickers: Pickers<GrpcEndpoint>;
  health: Health<GrpcEndpoint>;
  demand: Demand;
  clock: Clock;
  /** Whether this process did not run for a while. */
  isHeldUp: (now: number) => boolean;
  /** An endpoint has one call less. `fails`: its connection fails, and another may lead to another pod. */
  onEnded: (slot: GrpcSlot, fails: boolean) => void;
}

/**
 * One try of a call, as grpc-js sees it: the result of a pick.
 *
 * `picked`: counted, for calls are picked for one after the other before any of them starts. Left when it starts, which is
 *   a promise later, or by the end of the turn.
 * `given-back`: it has not started by then, and may never; its credentials may take a while.
 * `running`: left when it ends, or lasts.
 * `apart`: it has run for so long that it is counted apart.
 * `ended`.
 */
export class Attempt implements PickResult {
  readonly pickResultType = PICKS.COMPLETE;
  readonly subchannel: Subchannel;
  readonly status = null;
  readonly onCallEnded: (code: number, details?: string, metadata?: Metadata) => void;
  readonly slot: GrpcSlot;
  state: 'picked' | 'given-back' | 'running' | 'apart' | 'ended' = 'picked';
  /** When it was picked, or has started after that; on the clock. */
  since: number;
  /** The connection on which it has started: by its end, its subchannel may have another one. */
  session: GrpcSession | undefined = undefined;
  /** Those that began before it, and after it, and have not ended. */
  previous: Attempt | undefined = undefined;
  next: Attempt | undefined = undefined;
  readonly #owner: Attempts;

  constructor(subchannel: Subchannel, slot: GrpcSlot, since: number, owner: Attempts) {
    this.subchannel = subchannel;
    this.slot = slot;
    this.since = since;
    this.#owner = owner;
    // It is called without its object.
    this.onCallEnded = (code, details, metadata) => owner.onEnded(this, code, details, metadata);
  }

  onCallStarted(): void {
    this.#owner.onStarted(this);
  }

  /** As `onCallEnded`. Whether it was refused by the end of its connection, so that it may be sent again. */
  end(code: number, details: string, metadata: Metadata): boolean {
    return this.#owner.onEnded(this, code, details, metadata);
  }
}

/** Counts what becomes of each attempt: where it is in flight, how long it takes, how it ends. */
export class Attempts {
  /** Attempts ever begun. */
  begun = 0;
  /** Those that failed. */
  failures = 0;
  readonly #options: AttemptsOptions;
  readonly #holds: FailureHolds;
  readonly #quickErrors = new QuickErrors();
  readonly #observes: boolean;
  readonly #running = new Running<Attempt>();
  /** Those of this turn, which may not start. */
  #picked: Attempt[] = [];
  /** How long calls take that are served. */
  #latency = 0;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#holds = new FailureHolds(options.clock);
    this.#observes = options.pickers.observes;
  }

  stop(): void {
    this.#holds.clear();
  }

  /** Counts an attempt at the moment of its pick: a burst is picked for as a whole before any of its calls starts. */
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

  /** Of what has not started by the end of the turn, nobody says whether it ever will. */
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

  /** Versions of grpc-js before 1.14 tell the code alone. Whether the call was refused by the end of its connection. */
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

  /** Whether it was the endpoint that let a caller's time run out: not if it had less of it than calls take, or we slept. */
  #blame<O>(outcome: O | 'timeout', took: number, now: number): O | 'timeout' | 'cancelled' {
    if (outcome !== 'timeout') return outcome;
    return took >= 2 * this.#latency && !this.#options.isHeldUp(now) ? 'timeout' : 'cancelled';
  }

  #observe(endpoint: GrpcEndpoint, took: number, failed: boolean, isGivenUp: boolean, code: number): void {
    if (isOk(code)) this.#latency += (took - this.#latency) * NEWS;
    if (!this.#observes) return;
    const observation = failed ? 'failed' : isGivenUp ? 'given-up' : 'answered';
    // How soon an endpoint answers with an error doesn't tell how soon it would serve.
    const latency = observation === 'answered' && !isOk(code) ? Math.max(took, this.#latency) : took;
    this.#options.pickers.observe(endpoint, latency, observation);
  }

  /** Counts apart what has run for long, so that it pushes nothing else away. */
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
