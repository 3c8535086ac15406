import { Balanced } from '../balancing/balanced.ts';
import { OWN_ZONE } from '../balancing/locality.ts';
import type { Candidate, Picker } from '../balancing/picker.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Condition } from './condition.ts';
import { formatAddress } from './endpoint-keys.ts';
import type { HealthRecord } from './health-record.ts';
import { Latency } from './latency.ts';
import {
  COLD,
  DRAINING,
  EJECTED,
  FULL,
  ON_TRIAL,
  PAUSED,
  REQUEST_LIMIT,
  SILENT,
  UNAVAILABLE,
  UNTRIED,
} from './reasons.ts';

/** What an endpoint tells when it changes. The board decides what follows. */
export interface Board {
  /** The origin of the service. */
  readonly origin: string;
  /** How many requests an endpoint may have in flight; `Infinity` without a limit. */
  readonly maxRequests: number;
  /** Whether the connections of a pod behind a virtual IP are used in turn. */
  readonly usesConnectionsInTurn: boolean;
  /** The load of an endpoint has changed, or the reasons that follow from its counts. */
  update(endpoint: Endpoint): void;
  /** The reasons of an endpoint have changed. @param before the reasons that it had */
  changed(endpoint: Endpoint, before: number): void;
  /** An endpoint that had no room has room now. */
  wake(): void;
}

/** One pod (IP address and port): what it carries, and the reasons why it may not be picked. */
export class Endpoint extends Balanced implements Candidate {
  /** Its key: its address, and a number if several endpoints share the address. */
  readonly key: string;
  /** The name of a pod behind a virtual IP. Such a pod can't be dialled. */
  readonly identity: string | undefined;
  readonly board: Board;
  info: EndpointAddress;
  /** Its share of requests, relative to other endpoints. */
  weight = 1;
  load = 0;
  /** How near it is, with the option `locality`. */
  level = OWN_ZONE;
  /** How many requests it got since it last served one. */
  unanswered = 0;
  /** The picker that it is in, if any. */
  picker: Picker<Endpoint> | undefined = undefined;
  /** The reasons why it may not be picked or dialled, as bits: see `reasons.ts`. */
  reasons = COLD | FULL | UNTRIED;
  inFlight = 0;
  /** How many upgraded sockets and event streams are open. */
  lasting = 0;
  requests = 0;
  failures = 0;
  /** How long its requests took. */
  readonly latency = new Latency();
  /** How many requests and dials have ended, without those that their callers gave up. Health uses this count. */
  judged = 0;
  /** How many 5xx it has answered in a row. */
  #appErrors = 0;
  /** What health knows about its failures; `undefined` if there were none. */
  #health: HealthRecord | undefined = undefined;

  constructor(key: string, info: EndpointAddress, board: Board, identity?: string) {
    super();
    this.key = key;
    this.info = info;
    this.board = board;
    this.identity = identity;
  }

  get origin(): string {
    return this.board.origin;
  }

  get address(): string {
    return formatAddress(this.info);
  }

  /** How many connections take requests, if evenkeel makes the connections. */
  get connected(): number {
    return 0;
  }

  /** Its state, for people. */
  get condition(): Condition {
    const { reasons } = this;
    if ((reasons & DRAINING) !== 0) return 'draining';
    if (this.isEjected) return 'ejected';
    if (this.connected > 0) return 'ready';
    return (reasons & UNTRIED) !== 0 ? 'connecting' : 'idle';
  }

  /** Whether evenkeel keeps it connected, at the present rate of requests. */
  get warm(): boolean {
    return (this.reasons & COLD) === 0;
  }

  get isDraining(): boolean {
    return (this.reasons & DRAINING) !== 0;
  }

  get isEjected(): boolean {
    return this.#health?.ejection !== undefined;
  }

  /** Whether it may serve, as far as dials and health show. */
  get isAvailable(): boolean {
    return (this.reasons & UNAVAILABLE) === 0;
  }

  /** Whether health allows it a request: it isn't ejected, paused or silent, and if it is on trial, it has none in flight. */
  get isHealthy(): boolean {
    const { reasons } = this;
    if ((reasons & (EJECTED | PAUSED | SILENT)) !== 0) return false;
    return (reasons & ON_TRIAL) === 0 || this.inFlight === 0;
  }

  /** Whether its last dial failed, and it has no connection. */
  get isUnreachable(): boolean {
    return false;
  }

  get health(): HealthRecord | undefined {
    return this.#health;
  }

  /** Replaces its health record. Only health calls this. */
  setHealth(health: HealthRecord | undefined): void {
    this.#health = health;
  }

  /** How many more requests the limits allow. */
  get requestRoom(): number {
    return this.board.maxRequests - this.inFlight;
  }

  #limit(): number {
    return (this.reasons & ON_TRIAL) !== 0 ? 1 : this.board.maxRequests;
  }

  /** Sets how near it is. It must be in no picker. */
  setLevel(level: number): void {
    this.level = level;
    this.board.update(this);
  }

  // Reasons

  /** One or more reasons apply from now on. */
  bar(reason: number): void {
    this.#change(this.reasons | reason);
  }

  /** These reasons no longer apply. */
  lift(reason: number): void {
    this.#change(this.reasons & ~reason);
  }

  /** A reason applies from now on if `condition`, or else no longer. */
  barIf(condition: boolean, reason: number): void {
    if (condition) this.bar(reason);
    else this.lift(reason);
  }

  /** Replaces the reasons within `mask`. */
  setReasons(mask: number, reasons: number): void {
    this.#change((this.reasons & ~mask) | reasons);
  }

  /** A reason applies or no longer applies, but has no effect at present. Only listeners are told. */
  onUncounted(reason: number): void {
    this.board.changed(this, this.reasons ^ reason);
  }

  /** The same for reasons that follow from its counts. The caller tells the board. */
  protected note(mask: number, reasons: number): void {
    this.reasons = (this.reasons & ~mask) | reasons;
  }

  #change(reasons: number): void {
    const before = this.reasons;
    if (reasons === before) return;
    this.reasons = reasons;
    if (((reasons ^ before) & ON_TRIAL) !== 0) this.#checkLimit();
    this.board.changed(this, before);
  }

  // Attempts

  /** Counts an attempt that begins. The caller tells the board. */
  protected count(): void {
    this.load++;
    this.inFlight++;
    this.unanswered++;
    this.requests++;
    if (this.inFlight >= this.#limit()) this.reasons |= REQUEST_LIMIT;
  }

  /** Counts an attempt that has ended. If `held`, it counts as load until `unhold`. */
  protected countEnd(failed: boolean, held: boolean): void {
    this.inFlight--;
    if (failed) this.failures++;
    if (!held) this.load--;
    this.#checkLimit();
  }

  #checkLimit(): void {
    if (this.inFlight >= this.#limit()) this.reasons |= REQUEST_LIMIT;
    else this.reasons &= ~REQUEST_LIMIT;
  }

  /** Begins an attempt on a connection that the client library makes (gRPC). */
  beginAttempt(): void {
    this.count();
    this.board.update(this);
  }

  /** Ends such an attempt. */
  endAttempt(failed: boolean, held = failed): void {
    this.countEnd(failed, held);
    this.board.update(this);
  }

  /** A request that has ended no longer counts as load. */
  unhold(): void {
    this.load--;
    this.board.update(this);
  }

  /** A dial for a request begins or ends to count as load. */
  addLoad(change: number): void {
    this.load += change;
  }

  /** A request has become an upgraded socket or a stream, which evenkeel counts apart. */
  protected countApart(): void {
    this.inFlight--;
    this.load--;
    this.lasting++;
    this.#checkLimit();
  }

  /** Such a socket or stream has ended. */
  protected countApartEnd(): void {
    this.lasting--;
  }

  /** Counts a stream as a request again, just before it ends. */
  protected countBack(): void {
    this.lasting--;
    this.inFlight++;
    this.load++;
  }

  /** Moves a request to the endpoint that its connection now belongs to. */
  pass(streaming: boolean, other: Endpoint): void {
    this.#countPassed(-1, streaming);
    other.#countPassed(1, streaming);
  }

  #countPassed(requests: number, streaming: boolean): void {
    this.requests += requests;
    if (streaming) {
      this.lasting += requests;
      return;
    }
    this.inFlight += requests;
    this.load += requests;
    this.#checkLimit();
    this.board.update(this);
  }

  /** It has served a request. */
  onServed(): void {
    this.unanswered = 0;
    if (this.lagging) this.board.update(this);
  }

  /** A request or a dial has ended, and its caller did not give it up. */
  judge(): void {
    this.judged++;
  }

  /** Its app has answered with an error. Returns how many there were in a row. */
  countAppError(): number {
    return ++this.#appErrors;
  }

  forgiveAppErrors(): void {
    this.#appErrors = 0;
  }
}
