import type { Wire } from './wire.ts';

/** Knows whether anything has come in on a wire. */
export class Hearing {
  /** How many bytes had come at the last call, by wire. */
  readonly #heard = new WeakMap<Wire, number>();

  /** Whether anything has come from the peer since the last call for this wire. */
  hasSpoken(wire: Wire): boolean {
    const { bytesRead } = wire;
    if (bytesRead === (this.#heard.get(wire) ?? 0)) return false;
    this.#heard.set(wire, bytesRead);
    return true;
  }
}

/**
 * Whether anything has ever come. Until then, the peer may not have accepted the connection: a pod whose accept queue
 * is full acknowledges nothing, and accepts it later.
 */
export function isAccepted({ bytesRead }: Wire): boolean {
  return bytesRead > 0;
}
