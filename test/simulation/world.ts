import type { SimulatedCall } from './call.ts';
import { Draws } from './draws.ts';
import { VirtualTime } from './time.ts';
import { Trace } from './trace.ts';
import type { SimulatedWire } from './wire.ts';

/** Who looks at what happens. */
export interface Watch {
  /** A call is given to the service. */
  onTaken(call: SimulatedCall): void;
  onWaiting(call: SimulatedCall): void;
  /** It is given to a wire. */
  onGiven(call: SimulatedCall, wire: SimulatedWire): void;
  /** It is written: at once, or in the next turn. */
  onSent(call: SimulatedCall, wire: SimulatedWire): void;
  /** It has come to a pod, which does what it asks for. */
  onExecuted(call: SimulatedCall): void;
  /** It is over, with an error or without. */
  onSettled(call: SimulatedCall, error: Error | undefined): void;
  /** The socket that it has become is closed. */
  onSocketClosed(call: SimulatedCall): void;
  /** A peer has not looked at it, or it was not written. */
  onUnlooked(call: SimulatedCall): void;
  /** A wire was ended from this side with what it carries. */
  onCut(call: SimulatedCall, wire: SimulatedWire, error: Error): void;
}

/** What all that is simulated shares. */
export class World {
  readonly time = new VirtualTime();
  readonly draws = new Draws();
  readonly seed: number;
  readonly trace: Trace;
  /** Connections end as node:http's do: see `Scenario.crosses`. */
  readonly crosses: boolean;
  /** Set before anything happens. */
  watch!: Watch;
  /** Wires that are open, here or at their pods, by their numbers; and how many there ever were. */
  readonly wires = new Set<SimulatedWire>();
  wiresMade = 0;

  constructor(seed: number, mostFacts: number, crosses = false) {
    this.seed = seed;
    this.crosses = crosses;
    this.trace = new Trace(mostFacts);
  }
}

/** An error of that code. */
export function failure(code: string, message = code): Error & { code: string } {
  return Object.assign(new Error(message), { code });
}
