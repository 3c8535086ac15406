import type { Clock } from '../base/clock.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Checker } from '../health/checker.ts';
import type { Unacknowledged } from './unacknowledged.ts';
import type { Wire } from './wire.ts';

/** What is dialled: an endpoint, or what stands for one. A transport may keep something of its own for each. */
export interface Target {
  readonly info: EndpointAddress;
}

/** `wire` is there unless there was an error. */
export type DialDone = (error: Error | null, wire: Wire | undefined) => void;

/** A dial under way. */
export interface Dial {
  /** Gives it up: nobody is told. */
  abandon(): void;
  /** Lets the process end meanwhile, as far as that can be: not while TCP connects. */
  unref(): void;
  /** Ends it, as one that has taken longer than `timeout`. */
  timeOut(): void;
  /** What it ends with if it takes that long. */
  timeoutError(): Error;
}

/** What makes wires. */
export interface Transport extends Checker {
  /** The time that its dials take: real time, where sockets are real, whatever the clock of the service. */
  readonly clock: Clock;
  /** Milliseconds for which an idle wire lasts, where its peer says nothing else. */
  readonly keepAlive: number;
  /** Whether a wire may carry many attempts, for all that is known before the first dial. */
  readonly multiplexes: boolean;
  /** Milliseconds after which a dial should be timed out; 0: never. */
  readonly timeout: number;
  /** Milliseconds after which a dial that isn't answered tells something about its endpoint; no more than `timeout`. */
  readonly patience: number;
  /** Makes a wire. `done` is called once, later, unless the dial is given up. */
  dial(target: Target, done: DialDone): Dial;
  /** Connects as far as is needed to learn whether anybody is there. */
  knock(target: Target, done: (error: Error | null) => void): Dial;
  /** What the kernel knows of wires, by their `ports`. */
  unacknowledged(): Promise<Unacknowledged>;
}
