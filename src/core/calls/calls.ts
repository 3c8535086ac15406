import { AsyncResource } from 'node:async_hooks';
import { channels } from '../base/channels.ts';
import type { Clock } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import { LoopTurn } from '../base/loop-turn.ts';
import { ticksOf } from '../base/ticks.ts';
import type { Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { Queue } from './queue.ts';
import { allowReroute, Retries } from './retries.ts';
import { mayDelay } from './reuse.ts';
import type { CallSettings, Refusal, RetryReason } from './settings.ts';

export interface CallsOptions {
  pool: Pool;
  discovery: Discovery;
  demand: Demand;
  settings: CallSettings & { readonly clock: Clock };
  /** Called when every call that could be served has been served. */
  onServed: () => void;
}

/**
 * The calls of a service, from the moment when it takes them to their last attempt. Decides whether a call waits, is
 * sent, or is sent again.
 */
export class Calls {
  readonly attempts: Attempts;
  readonly queue: Queue;
  /** The error that all calls end with, once the service is destroyed. */
  #destroyedBy: Error | undefined;
  readonly #pool: Pool;
  readonly #demand: Demand;
  readonly #clock: Clock;
  readonly #retries: Retries;
  readonly #turn: LoopTurn;

  constructor({ pool, discovery, demand, settings, onServed }: CallsOptions) {
    const { clock, retry } = settings;
    this.#pool = pool;
    this.#demand = demand;
    this.#clock = clock;
    this.#turn = new LoopTurn(clock);
    this.attempts = new Attempts({ pool, demand, turn: this.#turn, clock });
    this.queue = new Queue({ pool, attempts: this.attempts, discovery, demand, settings, onServed });
    this.#retries = new Retries(retry, clock.now());
  }

  /**
   * Takes a call: sends it at once, or lets it wait. Returns whether it was sent.
   *
   * @param isTraced whether a listener wants to know when the call is sent again, which may happen in the context of a
   * socket
   * @throws what `call.check()` throws
   */
  take(call: Call, isTraced: boolean): boolean {
    if (isTraced) call.context = new AsyncResource('EVENKEEL_REQUEST');
    this.attempts.onTaken();
    const now = this.#clock.now();
    this.#turn.note(now);
    call.takenAt = ticksOf(now);
    const endpoint = this.#endpointFor(call, now);
    // A wire checks a call when it gets it. Calls that may be sent later are checked here, so that they fail as early.
    const isLate = endpoint === undefined || this.#turn.isStale || mayDelay(endpoint);
    if (isLate) call.check();
    if (endpoint === undefined) this.queue.add(call);
    else this.attempts.begin(call, endpoint);
    return endpoint !== undefined;
  }

  /** The endpoint that can serve a call at once, if there is one. */
  #endpointFor(call: Call, now: number): Pod | undefined {
    if (call.keyHash >= 0) return this.queue.pickByKey(call, now);
    return this.queue.isBusy || call.lasting ? undefined : this.#pool.balancer.pick(now, call);
  }

  /** Ends all calls that wait, and all that would wait from now on, with an error. */
  destroy(error: Error): void {
    this.#destroyedBy = error;
    this.queue.failAll(error);
  }

  // Sending again

  /** Nothing of an attempt was written, because its connection is gone. */
  onUnsent(call: Call, error: Error): void {
    const { endpoint, connection } = call;
    // A used connection ends like an idle one: many may end at once, for no reason. A new one that ends has a reason.
    const isNew = connection === undefined || connection.multiplexed || connection.requests === 1;
    connection?.retire('closed-by-peer');
    if (!isNew) endpoint?.onIdleEnd(connection.idling.duration, connection.requests - 1);
    this.attempts.takeBack(call, false);
    if (endpoint === undefined || (isNew && !allowReroute(call))) call.fail(error);
    else this.#queueAgain(call);
  }

  /** A server says that it has not processed an attempt. */
  onRefused(call: Call, error: Error, how: Refusal): void {
    const { endpoint, connection } = call;
    // An endpoint that refuses a stream has enough for the moment, so the attempt counts as load for a while. After a
    // GOAWAY it doesn't.
    this.attempts.takeBack(call, connection?.retired === undefined);
    const allowed = how === 'refused' ? this.#allows(call, how) : this.#retries.allowGivenBack(call, how);
    if (endpoint === undefined || !allowed) call.fail(error);
    else if (call.upgrades) this.#queueAgain(call);
    else this.#retry(call, endpoint, error, 'refused', how !== 'over-limit');
  }

  /** An attempt was sent, and no response will come. Returns whether the call is sent again. */
  onUnanswered(call: Call, error: Error, reason: RetryReason): boolean {
    const { endpoint } = call;
    if (endpoint === undefined || this.#destroyedBy !== undefined) return false;
    if (!this.#allows(call, reason)) return false;
    this.attempts.onEnded(call, 'failure');
    this.#retry(call, endpoint, error, reason);
    return true;
  }

  /**
   * An attempt was sent on an idle connection that its peer ended at the same moment. The pod has not failed. Returns
   * whether the call is sent again.
   */
  onCrossed(call: Call, error: Error): boolean {
    const { endpoint, connection } = call;
    if (endpoint === undefined || this.#destroyedBy !== undefined) return false;
    if (!this.#retries.allowCrossed(call)) return false;
    connection?.retire('closed-by-peer');
    this.attempts.takeBack(call, false);
    this.#retry(call, endpoint, error, 'reset');
    return true;
  }

  /** The caller ended a call that waits. The call fails with `error`. */
  onAbandoned(call: Call, error: Error): void {
    this.queue.remove(call);
    call.fail(error);
    this.queue.serveSoon();
  }

  #allows(call: Call, reason: RetryReason): boolean {
    return this.#retries.allow(call, reason, this.#demand.taken, this.#clock.now());
  }

  #queueAgain(call: Call): void {
    const failedSomewhere = (call.history?.failed.length ?? 0) > 0;
    if (this.#destroyedBy !== undefined) call.fail(this.#destroyedBy);
    else if (failedSomewhere) this.queue.addRetry(call);
    else this.queue.addAgain(call);
  }

  /**
   * Sends a call again; to another endpoint if there is one, unless the call was only one too many for its connection.
   * (With few endpoints, a call that must have another endpoint would wait behind calls that take any, and would be
   * refused again and again.)
   */
  #retry(call: Call, endpoint: Pod, error: Error, reason: RetryReason, elsewhere = true): void {
    if (this.#destroyedBy !== undefined) {
      call.fail(this.#destroyedBy);
      return;
    }
    const history = call.history!;
    // If there is no other endpoint, this one gets the call again.
    if (elsewhere && !history.failed.includes(endpoint)) history.failed.push(endpoint);
    history.error = error;
    if (channels.requestRetry.hasSubscribers) {
      const { origin, address } = endpoint;
      const { method, path } = call.describe();
      const attempt = history.resent;
      channels.requestRetry.publish({ origin, address, reason, attempt, method, path, error });
    }
    // A subscriber may have ended the call, or the service.
    const ended = call.reason ?? this.#destroyedBy;
    if (ended === undefined) this.queue.addRetry(call);
    else call.fail(ended);
  }
}
