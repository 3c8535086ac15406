import { isIP } from 'node:net';
import { type Clock, nextTurn, queueMicrotask, type Timer } from '../clock.ts';
import { outsideRequests } from '../context.ts';
import { ResolverError } from '../errors.ts';
import type { EndpointAddress, Resolution, Resolver, ResolveTarget } from './resolver.ts';

const FIRST_BACKOFF = 1_000;
const BACKOFF_FACTOR = 1.6;
const LONGEST_BACKOFF = 30_000;

export interface FollowerOptions {
  resolver: Resolver;
  target: ResolveTarget;
  clock: Clock;
  random: () => number;
  /** Takes what the resolver yields. It has been checked. */
  onResolution: (resolution: Resolution) => void;
  /** Whether the next value is wanted now; if not, `demand` is called when it is. */
  isWanted: () => boolean;
  /** Whether requests wait with nothing known, so that a resolver that threw is started again at once. */
  isUrgent: () => boolean;
}

/** Follows a resolver for as long as somebody wants to know, and starts it again when it fails. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #abort = new AbortController();
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    // Later: a resolver may speak, or throw, before its first wait.
    outsideRequests(() => queueMicrotask(() => void this.#run()));
  }

  /** Says that the next value is wanted. */
  demand(): void {
    if (this.#timer !== undefined && !this.#options.isUrgent()) return;
    this.#goOn();
  }

  stop(): void {
    this.#abort.abort();
    this.#goOn();
  }

  async #run(): Promise<void> {
    const { resolver, target, onResolution, isWanted, isUrgent } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      let known = false;
      let spoke = false;
      try {
        for await (const resolution of resolver(target, signal)) {
          if (signal.aborted) return;
          spoke = true;
          known ||= 'endpoints' in checked(resolution);
          onResolution(resolution);
          this.#failures = 0;
          // A resolver that never waits must not keep all else from going on.
          await nextTurn();
          if (!isWanted()) await this.#pause();
          if (signal.aborted) return;
        }
        // It has said all there is to say.
        if (known) return;
        if (!spoke) throw new ResolverError('the resolver ended without a word');
      } catch (error) {
        if (signal.aborted) return;
        onResolution({ error: asError(error) });
      }
      const delay = Math.min(FIRST_BACKOFF * BACKOFF_FACTOR ** this.#failures++, LONGEST_BACKOFF);
      await nextTurn();
      if (!isUrgent()) await this.#pause(delay * (0.8 + 0.4 * this.#options.random()));
      if (!isWanted() && !signal.aborted) await this.#pause();
    }
  }

  /** Waits until `demand` is called, and at the longest for `delay`, if given. */
  #pause(delay?: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (delay !== undefined) this.#timer = this.#options.clock.schedule(() => this.#goOn(), delay);
    });
  }

  #goOn(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Refuses what is not a resolution, with what is wrong about it. */
function checked(value: unknown): Resolution {
  if (value === null || typeof value !== 'object') throw invalid(value);
  if ('error' in value) {
    if (value.error instanceof Error) return value as Resolution;
    throw invalid(value);
  }
  const { endpoints } = value as { endpoints?: unknown };
  if (!Array.isArray(endpoints)) throw invalid(value);
  for (const endpoint of endpoints) {
    const { address, port, weight } = (endpoint ?? {}) as Partial<Record<keyof EndpointAddress, unknown>>;
    if (typeof address !== 'string' || isIP(address) === 0) throw invalid(endpoint, 'an IP address');
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
      throw invalid(endpoint, 'a port from 1 to 65535');
    }
    if (weight !== undefined && !((weight as number) >= 0 && Number.isFinite(weight))) {
      throw invalid(endpoint, 'a weight of 0 or more');
    }
  }
  return value as Resolution;
}

function invalid(
  value: unknown,
  expected = '{ endpoints: [{ address, port }], source } or { error }',
): ResolverError {
  return new ResolverError(`the resolver yielded ${describe(value)}; expected ${expected}`);
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new ResolverError(`the resolver threw ${describe(error)}`);
}
