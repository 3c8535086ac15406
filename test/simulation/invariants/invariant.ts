import type { Target } from '../../../src/core/connections/transport.ts';
import type { PlayedCall, PlayedWire } from '../played.ts';
import type { Scene } from '../scene.ts';

/** Something that always holds. It is told of what happens as far as it wants to know. */
export abstract class Invariant {
  /** What a violation is known by. */
  abstract readonly name: string;
  protected readonly scene: Scene;

  constructor(scene: Scene) {
    this.scene = scene;
  }

  /** A call is about to be given to the service. */
  onTaken?(call: PlayedCall): void;
  onWaiting?(call: PlayedCall): void;
  /** It is given to a wire; and written, at once or in the next turn. */
  onGiven?(call: PlayedCall, wire: PlayedWire): void;
  onSent?(call: PlayedCall, wire: PlayedWire): void;
  /** A pod does what it asks for. */
  onExecuted?(call: PlayedCall): void;
  /** It was not written, or its peer has not looked at it. */
  onUnlooked?(call: PlayedCall): void;
  onSettled?(call: PlayedCall, error: Error | undefined): void;
  /** A wire is ended from this side while it carries the call. */
  onCut?(call: PlayedCall, wire: PlayedWire, error: Error): void;
  onDial?(target: Target): void;
  /** Discovery has said something. */
  onDiscovery?(): void;
  /** Something has happened, whatever it was, and its microtasks have run. */
  onStep?(): void;
  /** Now and then: for what takes longer to look at. */
  look?(): void;
  /** Nobody has called for a long while. */
  onRest?(): void;
  /** The service has ended, or should have. */
  onOver?(): void;

  protected violate(text: string): void {
    this.scene.violate(this.name, text);
  }
}
