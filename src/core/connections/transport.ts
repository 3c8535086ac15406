import type { Clock } from '../base/clock.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Checker } from '../health/checker.ts';
import type { Unacknowledged } from './unacknowledged.ts';
import type { Wire } from './wire.ts';

/** What is dialled: an endpoint, or what stands for one. A transport may remember something for each target. */
export interface Target {
  readonly info: EndpointAddress;
}

/** `wire` is set unless there was an error. */
export type DialDone = (error: Error | null, wire: Wire | undefined) => void;

/** A dial under way. */
export interface Dial {
  /** Gives it up, without calling `done`. */
  abandon(): void;
  /** Lets the process end before the dial does, if possible: a TCP connect that is pending keeps the process alive. */
  unref(): void;
  /** Ends it, because it took longer than `timeout`. */
  timeOut(): void;
  /** The error of a dial that took too long. */
  timeoutError(): Error;
}

/** Makes wires. */
export interface Transport extends Checker {
  /** The clock for dials: real time if sockets are real, even if the service has another clock. */
  readonly clock: Clock;
  /** For how many milliseconds an idle wire lasts, if its peer doesn't say. */
  readonly keepAlive: number;
  /** Whether a wire probably carries many attempts, before the first dial. */
  readonly multiplexes: boolean;
  /** After how many milliseconds a dial times out; 0: never. */
  readonly timeout: number;
  /** After how many milliseconds an unanswered dial counts against its endpoint; at most `timeout`. */
  readonly patience: number;
  /** Makes a wire. Calls `done` once, later, unless the dial is given up. */
  dial(target: Target, done: DialDone): Dial;
  /** Connects only to learn whether anybody is there. */
  knock(target: Target, done: (error: Error | null) => void): Dial;
  /** What the kernel knows about wires, by their `ports`. */
  unacknowledged(): Promise<Unacknowledged>;
}
