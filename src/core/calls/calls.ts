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
import { mayReroute, Retries } from './retries.ts';
import type { CallSettings, Refusal, RetryReason } from './settings.ts';

export interface CallsOptions {
  pool: Pool;
  discovery: Discovery;
  demand: Demand;
  settings: CallSettings & { readonly clock: Clock };
  /** Whoever could be served has been. */
  onServed: () => void;
}

/** The calls of a service, from when they are taken to their last attempt: which waits, which is sent, and sent again. */
export class Calls {
  readonly attempts: Attempts;
  readonly queue: Queue;
  /** What all are ended by, if they were. */
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
   * Takes a call: sends it at once, or has it wait. Whether it was sent.
   *
   * @param isTraced somebody wants to know when it is sent again: that may happen in the context of a socket
   * @throws what its check throws
   */
  take(call: Call, isTraced: boolean): boolean {
    if (isTraced) call.context = new AsyncResource('EVENKEEL_REQUEST');
    this.attempts.onTaken();
    const now = this.#clock.now();
    this.#turn.note(now);
    call.takenAt = ticksOf(now);
    const endpoint = this.#endpointFor(call, now);
    // A wire checks what it is given at once. The others fail as early.
    if (endpoint === undefined || this.#turn.isStale) call.check();
    if (endpoint === undefined) this.queue.add(call);
    else this.attempts.begin(call, endpoint);
    return endpoint !== undefined;
  }

  /** The endpoint that serves a call at once, if there is one. */
  #endpointFor(call: Call, now: number): Pod | undefined {
    if (call.keyHash >= 0) return this.queue.pickByKey(call, now);
    return this.queue.isBusy || call.lasting ? undefined : this.#pool.balancer.pick(now);
  }

  /** Ends all that wait with an error, and those that would wait from now on. */
  destroy(error: Error): void {
    this.#destroyedBy = error;
    this.queue.failAll(error);
  }

  // What is sent again

  /** Nothing of an attempt was written: its connection is gone. */
  onUnsent(call: Call, error: Error): void {
    const { endpoint, connection } = call;
    // Those that have served others end as idle ones do, any number of them at once. New ones end for a reason.
    const isNew = connection === undefined || connection.multiplexed || connection.requests === 1;
    connection?.retire('closed-by-peer');
    this.attempts.takeBack(call, false);
    if (endpoint === undefined || (isNew && !mayReroute(call))) call.fail(error);
    else this.#queueAgain(call);
  }

  /** A server says that it has not looked at an attempt. */
  onRefused(call: Call, error: Error, how: Refusal): void {
    const { endpoint, connection } = call;
    // One that refuses streams has enough for a moment. One that goes away has not.
    this.attempts.takeBack(call, connection?.retired === undefined);
    const allowed = how === 'refused' ? this.#allows(call, how) : this.#retries.allowGivenBack(call, how);
    if (endpoint === undefined || !allowed) call.fail(error);
    else if (call.upgrades) this.#queueAgain(call);
    else this.#retry(call, endpoint, error, 'refused', how !== 'over-limit');
  }

  /** An attempt was sent, and there will be no response. Whether the call is sent again. */
  onUnanswered(call: Call, error: Error, reason: RetryReason): boolean {
    const { endpoint } = call;
    if (endpoint === undefined || this.#destroyedBy !== undefined) return false;
    if (!this.#allows(call, reason)) return false;
    this.attempts.onEnded(call, 'failure');
    this.#retry(call, endpoint, error, reason);
    return true;
  }

  /**
   * An attempt was sent on a connection that had been idle, and that its peer has ended at the same time: the pod has
   * failed nothing. Whether the call is sent again.
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

  /** A call ends with `error` while it waits, and it is the caller's doing. */
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
   * Sends a call again, elsewhere if it can be, unless it was just one too many for its connection. Where endpoints are few,
   * calls that wait for another one than before are overtaken by those that may have any, and would be refused over and over.
   */
  #retry(call: Call, endpoint: Pod, error: Error, reason: RetryReason, elsewhere = true): void {
    if (this.#destroyedBy !== undefined) {
      call.fail(this.#destroyedBy);
      return;
    }
    const history = call.history!;
    // Where there are no others it is asked again.
    if (elsewhere && !history.failed.includes(endpoint)) history.failed.push(endpoint);
    history.error = error;
    if (channels.requestRetry.hasSubscribers) {
      const { origin, address } = endpoint;
      const { method, path } = call.describe();
      const attempt = history.resent;
      channels.requestRetry.publish({ origin, address, reason, attempt, method, path, error });
    }
    // A subscriber may have ended it, or everything.
    const ended = call.reason ?? this.#destroyedBy;
    if (ended === undefined) this.queue.addRetry(call);
    else call.fail(ended);
  }
}
