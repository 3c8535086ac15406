import type { Duplex } from 'node:stream';
import type { Observation } from '../balancing/picker.ts';
import { channels } from '../base/channels.ts';
import type { Clock } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import type { LoopTurn } from '../base/loop-turn.ts';
import { ticksOf } from '../base/ticks.ts';
import type { Connection, Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import { FailureHolds } from '../endpoints/failure-holds.ts';
import { QuickErrors } from '../endpoints/quick-errors.ts';
import type { Outcome } from '../health/outcome.ts';
import type { Attempt, Call } from './call.ts';
import { Durations } from './durations.ts';
import { hadEnough, isUnanswered } from './ended-by-caller.ts';
import { AT_ONCE, Reuse } from './reuse.ts';
import { SilenceHolds } from './silence-holds.ts';
import { tellStart } from './telling.ts';

type Headers = Record<string, string | string[] | undefined>;

/** How much one request changes the mean latency. */
const NEWS = 1 / 16;

export interface AttemptsOptions {
  pool: Pool;
  demand: Demand;
  turn: LoopTurn;
  clock: Clock;
}

/** Sends calls. Counts each attempt: where it is in flight, how long it takes, how it ends. */
export class Attempts {
  /** How many attempts have begun, since the start. */
  begun = 0;
  readonly #pool: Pool;
  readonly #demand: Demand;
  readonly #turn: LoopTurn;
  readonly #clock: Clock;
  readonly #holds: FailureHolds;
  readonly #silences: SilenceHolds;
  readonly #durations: Durations;
  readonly #quickErrors = new QuickErrors();
  readonly #reuse: Reuse;
  readonly #observes: boolean;
  /** The mean latency of requests that were served, in milliseconds. Measured only if the policy observes latencies. */
  #latency = 0;

  constructor({ pool, demand, turn, clock }: AttemptsOptions) {
    this.#pool = pool;
    this.#demand = demand;
    this.#turn = turn;
    this.#clock = clock;
    this.#durations = new Durations(clock);
    this.#holds = new FailureHolds(clock);
    this.#silences = new SilenceHolds(clock, pool.health);
    this.#reuse = new Reuse(pool, demand);
    this.#observes = pool.balancer.observes;
  }

  /** How many attempts have failed, since the start. */
  get failures(): number {
    return this.#holds.total;
  }

  /** Counts a call that the service has taken. */
  onTaken(): void {
    const taken = ++this.#demand.taken;
    this.#quickErrors.release(taken);
  }

  stop(): void {
    this.#holds.clear();
    this.#silences.clear();
  }

  /** Sends a call that has waited. */
  start(call: Call, endpoint: Pod): void {
    const now = this.#clock.now();
    call.waited = (ticksOf(now) - call.takenAt) | 0;
    // While this process was busy, the peer may have ended the connection that has just become free.
    this.#turn.note(now);
    this.begin(call, endpoint, true);
  }

  /** Sends a call to an endpoint, which is ready for it. */
  begin(call: Call, endpoint: Pod, hasWaited = false): void {
    this.#demand.running++;
    this.begun++;
    call.endpoint = endpoint;
    const connection =
      call.keyHash < 0 ? this.#pool.balancer.begin(endpoint) : this.#beginBound(call, endpoint);
    call.connection = connection;
    if (this.#observes) call.sentAt = this.#clock.now();
    const delay = this.#reuse.delayOf(call, connection, hasWaited);
    if (delay > AT_ONCE || this.#turn.isStale) connection.wire.sendNextTurn(call, Math.max(delay, 0));
    else connection.wire.send(call);
    if (channels.requestStart.hasSubscribers) tellStart(call, endpoint);
  }

  #beginBound(call: Call, endpoint: Pod): Connection {
    if (call.lasting && !call.seated) {
      this.#pool.seats.join(endpoint);
      call.seated = true;
    }
    return this.#pool.balancer.beginBound(endpoint);
  }

  // What the transport reports about an attempt

  /** The head of the final response has come (not of an interim one). */
  onHead(attempt: Attempt, headers: Headers, isFailure: boolean): void {
    const { endpoint, statusCode } = attempt;
    this.#silences.heardAt = this.#turn.requestAt;
    if (attempt.sentAt >= 0) this.#observe(attempt, isFailure ? 'failed' : 'answered');
    if (endpoint === undefined) return;
    if (endpoint.health !== undefined) this.#pool.health.onAnswered(endpoint, statusCode);
    if (statusCode === 429 || statusCode === 503) {
      this.#pool.health.onOverloaded(endpoint, statusCode, headers);
    }
  }

  /**
   * The same, on a connection that may still tell something new about its endpoint.
   *
   * @param keepAlive milliseconds for which the server keeps idle connections
   */
  onFirstHead(attempt: Attempt, headers: Headers, keepAlive: number): void {
    const { endpoint, connection } = attempt;
    if (endpoint === undefined || connection === undefined) return;
    connection.tell(true);
    this.#pool.upkeep.onKeepAlive(endpoint, keepAlive);
    const pod = this.#pool.identify(connection, endpoint, attempt.statusCode, headers);
    if (pod === endpoint) return;
    if (!connection.multiplexed) this.#pass(attempt, endpoint, pod);
    for (const other of connection.wire.carried) this.#pass(other as Attempt, endpoint, pod);
    // The endpoint that had the connection before may have room now.
    this.#pool.board.stir();
  }

  /** Moves an attempt to the pod that its connection leads to. */
  #pass(attempt: Attempt, from: Pod, pod: Pod): void {
    attempt.endpoint = pod;
    from.pass(attempt.streaming, pod);
    if (!attempt.seated) return;
    this.#pool.seats.leave(from);
    this.#pool.seats.join(pod);
  }

  /** The response is an event stream; or `streaming` is false, because it isn't one after all. */
  onStreaming(attempt: Attempt, streaming: boolean): void {
    const { endpoint, connection } = attempt;
    if (endpoint === undefined || connection === undefined) return;
    if (!streaming) {
      this.#leaveSeat(attempt, endpoint);
      return;
    }
    if (!attempt.seated) this.#pool.seats.join(endpoint);
    attempt.seated = true;
    attempt.streaming = true;
    this.#pool.onServed(endpoint);
    endpoint.setApart();
    connection.stream(attempt);
    restack(endpoint, connection);
    this.#afterEnd();
  }

  #leaveSeat(attempt: Attempt, endpoint: Pod): void {
    if (!attempt.seated) return;
    attempt.seated = false;
    this.#pool.seats.leave(endpoint);
  }

  /** Tells the policy how long an attempt took, if the policy observes latencies. */
  #observe(attempt: Attempt, observation: Observation): void {
    const { endpoint, statusCode } = attempt;
    let latency = this.#clock.now() - attempt.sentAt;
    attempt.sentAt = -1;
    // An endpoint that fails fast may serve slowly. So an error counts at least as much as a usual request.
    if (observation === 'answered' && statusCode >= 400) latency = Math.max(latency, this.#latency);
    else if (observation === 'answered') this.#latency += (latency - this.#latency) * NEWS;
    if (endpoint !== undefined) this.#pool.balancer.observe(endpoint, latency, observation);
  }

  /** An attempt has ended, and its connection no longer carries it. */
  onEnded(attempt: Attempt, result: Outcome): void {
    const { endpoint, connection, statusCode, call } = attempt;
    if (endpoint === undefined || connection === undefined) return;
    if (!attempt.streaming && result !== 'refused') this.#durations.onEnded(attempt, endpoint, result);
    const outcome = result === 'expired' ? this.#blameFor(call) : result;
    attempt.connection = undefined;
    if (attempt.streaming) this.#takeBack(attempt, endpoint, connection);
    const broken = outcome === 'failure' || outcome === 'timeout';
    const failed = broken || outcome === 'rejected';
    if (outcome === 'refused') connection.takeOff();
    if (outcome === 'success') this.#pool.reach.onAnswer(endpoint, this.#turn.requestAt);
    this.#reuse.onEnded(connection, call, outcome);
    if (failed) this.#holds.add(endpoint);
    if ((broken || outcome === 'cancelled') && !connection.multiplexed) connection.retire('error');
    if (attempt.sentAt >= 0 && outcome !== 'refused') this.#observe(attempt, failed ? 'failed' : 'given-up');
    this.#judge(endpoint, connection, outcome, statusCode);
    this.#leaveSeat(attempt, endpoint);
    let held = failed;
    if (outcome === 'success') {
      this.#pool.onServed(endpoint);
      this.#pool.upkeep.onAnswer(endpoint, statusCode);
      // With a key, the endpoint gets the call whatever its load. So a quick error has no effect there.
      held = statusCode >= 400 && call.keyHash < 0;
      if (call.keyHash >= 0) this.#silences.onKeyServed(call);
      if (held) this.#holdQuickError(endpoint);
    } else if (outcome === 'cancelled' && hadEnough(call)) {
      this.#pool.onServed(endpoint);
    } else if (result === 'cancelled' && isUnanswered(call) && this.#blameFor(call) === 'timeout') {
      held = this.#silences.add(endpoint, call, this.begun);
    }
    this.#end(attempt, endpoint, connection, failed, held);
    this.#afterEnd();
  }

  /**
   * Whether the endpoint used up the caller's time. If not, that was too short, or the call waited for the endpoint, or
   * this process stood still.
   */
  #blameFor(call: Call): 'timeout' | 'cancelled' {
    const now = this.#clock.now();
    const isFault = this.#durations.isEndpointsFault(call, now) && !this.#pool.isHeldUp(now);
    return isFault ? 'timeout' : 'cancelled';
  }

  /** Counts a stream as a request again, just before it ends. */
  #takeBack(attempt: Attempt, endpoint: Pod, connection: Connection): void {
    attempt.streaming = false;
    endpoint.takeBack();
    connection.takeBack();
    this.#demand.running++;
  }

  #judge(endpoint: Pod, connection: Connection, outcome: Exclude<Outcome, 'expired'>, status: number): void {
    if (this.#pool.health.judge(endpoint, connection, outcome, status)) {
      this.#pool.replaceFailing(endpoint, connection);
    }
  }

  #holdQuickError(endpoint: Pod): void {
    this.#quickErrors.add(endpoint, this.#demand.taken + this.#demand.running - 1);
    this.#pool.plan.pace.onError(this.#pool.set.current.size);
  }

  #end(attempt: Attempt, endpoint: Pod, connection: Connection, failed: boolean, held: boolean): void {
    endpoint.end(failed, held);
    connection.release(attempt);
    restack(endpoint, connection);
  }

  /** An attempt has become an upgraded socket. */
  onUpgraded(attempt: Attempt, socket: Duplex): void {
    const { endpoint, connection } = attempt;
    if (endpoint === undefined || connection === undefined) return;
    attempt.connection = undefined;
    endpoint.setApart();
    connection.upgrade(attempt);
    restack(endpoint, connection);
    this.#pool.onServed(endpoint);
    this.#judge(endpoint, connection, 'success', attempt.statusCode);
    socket.once('close', () => {
      endpoint.endApart();
      connection.upgradeEnded();
      this.#leaveSeat(attempt, endpoint);
    });
    this.#afterEnd();
  }

  /** Takes an attempt from its endpoint, which did nothing for it. `held`: it counts as load for a while. */
  takeBack(attempt: Attempt, held: boolean): void {
    const { endpoint, connection } = attempt;
    if (endpoint === undefined || connection === undefined) return;
    attempt.connection = undefined;
    if (held) this.#holds.add(endpoint);
    this.#leaveSeat(attempt, endpoint);
    this.#end(attempt, endpoint, connection, held, held);
    this.#demand.running--;
    this.#pool.board.stirLater();
  }

  #afterEnd(): void {
    this.#demand.running--;
    this.#pool.board.stir();
  }
}

/** The connection may have moved to another endpoint while it carried an attempt of this one. */
function restack(endpoint: Pod, connection: Connection): void {
  if (connection.endpoint !== endpoint) endpoint.update();
  connection.endpoint.restack(connection);
}
