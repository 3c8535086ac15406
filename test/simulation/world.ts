import type { Target } from '../../src/core/connections/transport.ts';
import { Draws } from './draws.ts';
import type { PlayedCall, PlayedWire, WireOf } from './played.ts';
import { VirtualTime } from './time.ts';
import { Trace } from './trace.ts';
import type { SimulatedWire } from './wire.ts';

/** Who looks at what happens. */
export interface Watch {
  /** A call is given to the service. */
  onTaken(call: PlayedCall): void;
  onWaiting(call: PlayedCall): void;
  /** It is given to a wire. */
  onGiven(call: PlayedCall, wire: PlayedWire): void;
  /** It is written: at once, or in the next turn. */
  onSent(call: PlayedCall, wire: PlayedWire): void;
  /** It has come to a pod, which does what it asks for. */
  onExecuted(call: PlayedCall): void;
  /** It is over, with an error or without. */
  onSettled(call: PlayedCall, error: Error | undefined): void;
  /** The socket that it has become is closed. */
  onSocketClosed(call: PlayedCall): void;
  /** A peer has not looked at it, or it was not written. */
  onUnlooked(call: PlayedCall): void;
  /** A wire was ended from this side with what it carries. */
  onCut(call: PlayedCall, wire: PlayedWire, error: Error): void;
  /** A dial begins that is to make a wire. */
  onDial(target: Target): void;
}

/** What all that is simulated shares. */
export class World {
  readonly time = new VirtualTime();
  readonly draws = new Draws();
  readonly seed: number;
  readonly trace: Trace;
  /** Connections end as node:http's do: see `Scenario.crosses`. */
  readonly crosses: boolean;
  /** Requests of node:http are answered when all of them has come, and answers are read as they come. */
  isPrompt = false;
  /** Set before anything happens. */
  watch!: Watch;
  /** Wires that are open, here or at their pods, by their numbers; and how many there ever were. */
  readonly wires = new Set<PlayedWire>();
  wiresMade = 0;
  /** The wire of a connection, as pods know it. */
  wireOf: WireOf = (wire) => wire as SimulatedWire;

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
