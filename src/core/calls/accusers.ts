import type { Pod } from '../connections/connection.ts';
import type { Silence } from './silence.ts';

/**
 * The keys of calls that were given up at endpoints that are spared. Meanwhile these calls go elsewhere. If they are
 * given up there too, that is a habit of their callers.
 */
export class Accusers {
  readonly #silences = new Map<number, Silence>();

  /** An endpoint is spared from now on. */
  add(silence: Silence): void {
    // Of an endpoint that has left while it was asked, nobody says that it is spared no longer.
    for (const [key, { isOver }] of this.#silences) if (isOver) this.#silences.delete(key);
    for (const key of silence.keys) this.#silences.set(key, silence);
  }

  /** Its endpoint is spared no longer. */
  remove(silence: Silence): void {
    for (const key of silence.keys) if (this.#silences.get(key) === silence) this.#silences.delete(key);
  }

  /** A call with a key was served. So its callers don't give up whatever they ask for. */
  onServed(key: number): void {
    if (this.#silences.size > 0) this.#silences.delete(key);
  }

  /** A call with a key was given up. Returns the silence that is explained, if this explains one. */
  onGivenUp(key: number, endpoint: Pod): Silence | undefined {
    const silence = this.#silences.get(key);
    if (silence === undefined || silence.endpoint === endpoint) return undefined;
    this.#silences.delete(key);
    silence.excused++;
    return silence.isExcused ? silence : undefined;
  }
}
