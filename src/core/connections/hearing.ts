import type { Wire } from './wire.ts';

/** Knows of wires whether anything comes in. */
export class Hearing {
  /** Bytes that had come when it was last asked. */
  readonly #heard = new WeakMap<Wire, number>();

  /** Whether anything has come from the peer since this was asked before. */
  hasSpoken(wire: Wire): boolean {
    const { bytesRead } = wire;
    if (bytesRead === (this.#heard.get(wire) ?? 0)) return false;
    this.#heard.set(wire, bytesRead);
    return true;
  }
}

/**
 * Whether anything has ever come. Until then a wire may be connected on this side only: a pod whose accept queue is full
 * acknowledges nothing that is sent on it, and takes it later.
 */
export function isAccepted({ bytesRead }: Wire): boolean {
  return bytesRead > 0;
}
