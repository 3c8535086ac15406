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
  UNAVAILABLE,
  UNTRIED,
} from './reasons.ts';

/** Where endpoints stand: what follows when something about one changes is decided there. */
export interface Board {
  /** The service's. */
  readonly origin: string;
  /** Requests in flight that an endpoint may have; `Infinity` without a limit. */
  readonly maxRequests: number;
  /** Whether pods behind a virtual IP have their connections used in turn. */
  readonly usesConnectionsInTurn: boolean;
  /** An endpoint has another load, or reasons that its own counts bring about. */
  update(endpoint: Endpoint): void;
  /** An endpoint has other reasons than before. */
  changed(endpoint: Endpoint, before: number): void;
  /** An endpoint has room that had none. */
  wake(): void;
}

/** One pod, by IP address and port: what it carries, and the reasons why it may not be picked. */
export class Endpoint extends Balanced implements Candidate {
  /** Tells it from the others: its address, and a number where several share that. */
  readonly key: string;
  /** The name of a pod behind a virtual IP, which can't be dialled by itself. */
  readonly identity: string | undefined;
  readonly board: Board;
  info: EndpointAddress;
  /** Share of requests relative to the others'. */
  weight = 1;
  load = 0;
  /** How near it is, where that matters. */
  level = OWN_ZONE;
  /** Requests that it was given since it last served one. */
  unanswered = 0;
  /** The picker it stands in, if any. */
  picker: Picker<Endpoint> | undefined = undefined;
  /** Why it may not be picked, or not be dialled: see `reasons.ts`. */
  reasons = COLD | FULL | UNTRIED;
  inFlight = 0;
  /** Upgraded sockets and event streams that are open. */
  lasting = 0;
  requests = 0;
  failures = 0;
  /** How long its requests took. */
  readonly latency = new Latency();
  /** Requests and dials that have ended, well or not, but for those that their callers gave up; health counts by them. */
  judged = 0;
  /** Errors in a row that it has answered with as an app, such as 500. */
  #appErrors = 0;
  /** What is held against it, if anything. */
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

  /** Connections that take requests, where they are known. */
  get connected(): number {
    return 0;
  }

  /** For people. */
  get condition(): Condition {
    const { reasons } = this;
    if ((reasons & DRAINING) !== 0) return 'draining';
    if (this.isEjected) return 'ejected';
    if (this.connected > 0) return 'ready';
    return (reasons & UNTRIED) !== 0 ? 'connecting' : 'idle';
  }

  /** Whether it is kept connected at the service's present rate; others wait their time. */
  get warm(): boolean {
    return (this.reasons & COLD) === 0;
  }

  get isDraining(): boolean {
    return (this.reasons & DRAINING) !== 0;
  }

  get isEjected(): boolean {
    return this.#health?.ejection !== undefined;
  }

  /** Whether it may serve, for what its dials and its health have shown. */
  get isAvailable(): boolean {
    return (this.reasons & UNAVAILABLE) === 0;
  }

  /** Whether its health lets it have a request: it isn't out, and not at its one request on trial. */
  get isHealthy(): boolean {
    const { reasons } = this;
    if ((reasons & (EJECTED | PAUSED)) !== 0) return false;
    return (reasons & ON_TRIAL) === 0 || this.inFlight === 0;
  }

  /** Whether its last dial failed, and nothing is connected. */
  get isUnreachable(): boolean {
    return false;
  }

  get health(): HealthRecord | undefined {
    return this.#health;
  }

  /** Puts a record in place of what is held against it. For health. */
  setHealth(health: HealthRecord | undefined): void {
    this.#health = health;
  }

  /** How many more requests the limits allow. */
  get requestRoom(): number {
    return this.board.maxRequests - this.inFlight;
  }

  get #limit(): number {
    return (this.reasons & ON_TRIAL) !== 0 ? 1 : this.board.maxRequests;
  }

  /** It is as near as that. It stands in no picker. */
  setLevel(level: number): void {
    this.level = level;
    this.board.update(this);
  }

  // Reasons

  /** There is a reason, or several, from now on. */
  bar(reason: number): void {
    this.#change(this.reasons | reason);
  }

  /** There is no such reason any more. */
  lift(reason: number): void {
    this.#change(this.reasons & ~reason);
  }

  /** There is a reason from now on, or there is none. */
  barIf(condition: boolean, reason: number): void {
    if (condition) this.bar(reason);
    else this.lift(reason);
  }

  /** Puts reasons in the place of those of a mask. */
  setReasons(mask: number, reasons: number): void {
    this.#change((this.reasons & ~mask) | reasons);
  }

  /** It has such a reason, or has it no more, though that doesn't count at present. */
  onUncounted(reason: number): void {
    this.board.changed(this, this.reasons ^ reason);
  }

  /** The same of reasons that its own counts bring about. The board is to be told afterwards. */
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

  /** Counts an attempt that begins. The board is to be told afterwards. */
  protected count(): void {
    this.load++;
    this.inFlight++;
    this.unanswered++;
    this.requests++;
    if (this.inFlight >= this.#limit) this.reasons |= REQUEST_LIMIT;
  }

  /** Counts one that has ended. A held one goes on counting as load until `unhold`. */
  protected countEnd(failed: boolean, held: boolean): void {
    this.inFlight--;
    if (failed) this.failures++;
    if (!held) this.load--;
    this.#checkLimit();
  }

  #checkLimit(): void {
    if (this.inFlight >= this.#limit) this.reasons |= REQUEST_LIMIT;
    else this.reasons &= ~REQUEST_LIMIT;
  }

  /** Takes an attempt on, on a connection of the transport's own. */
  beginAttempt(): void {
    this.count();
    this.board.update(this);
  }

  /** Ends an attempt that was begun so. */
  endAttempt(failed: boolean, held = failed): void {
    this.countEnd(failed, held);
    this.board.update(this);
  }

  /** A request that has ended need not count as load any more. */
  unhold(): void {
    this.load--;
    this.board.update(this);
  }

  /** A dial for a request counts as load, or does no more. */
  addLoad(change: number): void {
    this.load += change;
  }

  /** A request has become an upgraded socket or a stream, which is counted apart. */
  protected countApart(): void {
    this.inFlight--;
    this.load--;
    this.lasting++;
    this.#checkLimit();
  }

  /** What was counted apart has ended. */
  protected countApartEnd(): void {
    this.lasting--;
  }

  /** It is a request again, which is about to end. */
  protected countBack(): void {
    this.lasting--;
    this.inFlight++;
    this.load++;
  }

  /** Passes a request on to the endpoint that its connection was given to. */
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

  /** A request or a dial has ended, well or not, and not by its caller. */
  judge(): void {
    this.judged++;
  }

  /** It has answered with an error of its app's. Says how many there were in a row. */
  countAppError(): number {
    return ++this.#appErrors;
  }

  forgiveAppErrors(): void {
    this.#appErrors = 0;
  }
}
