import { channels } from '../base/channels.ts';
import { type Clock, wallClock } from '../base/clock.ts';
import { withoutBrackets } from '../base/without-brackets.ts';
import { asError, Follower } from './follower.ts';
import type { EndpointUpdate, Resolution, Resolver } from './resolver.ts';

/** What discovery tells its service, and asks it. */
export interface DiscoveryOwner {
  readonly url: Pick<URL, 'hostname' | 'origin' | 'port' | 'protocol'>;
  /** Whether there is traffic. */
  readonly inUse: boolean;
  /** How many requests wait for a connection. */
  readonly waiting: number;
  onUpdate(update: EndpointUpdate): void;
  /**
   * Discovery failed. If endpoints are known, they stay in use. If none are known, requests that have waited since
   * `askedAt` must fail; with `asksAgain`, only the first of them.
   */
  onError(error: Error, askedAt: number, asksAgain: boolean): void;
}

export interface DiscoveryOptions {
  resolver: Resolver;
  clock: Clock;
  random: () => number;
}

/** What is known about the endpoints of a service: from which source, since when, and for how long. */
export class Discovery {
  /** Where the endpoints came from; `none` at first. */
  source = 'none';
  /** When they came, in wall-clock milliseconds. */
  updatedAt: number | undefined;
  /** Why nothing newer is known; null if it is up to date. */
  error: Error | null = null;

  readonly #owner: DiscoveryOwner;
  readonly #clock: Clock;
  readonly #follower: Follower;
  #update: EndpointUpdate | undefined;
  #onUnreachable: (() => unknown) | undefined;

  constructor(owner: DiscoveryOwner, { resolver, clock, random }: DiscoveryOptions) {
    const { hostname, port, protocol } = owner.url;
    this.#owner = owner;
    this.#clock = clock;
    this.#follower = new Follower({
      resolver,
      target: {
        hostname: withoutBrackets(hostname),
        port: Number(port) || (protocol === 'https:' ? 443 : 80),
        protocol: protocol as 'http:' | 'https:',
      },
      clock,
      random,
      onResolution: (resolution) => this.#onResolution(resolution),
      isWanted: () => this.#isWanted(),
      isUrgent: () => !this.isKnown && owner.waiting > 0,
    });
  }

  /** Whether any endpoints are known, even an empty set. */
  get isKnown(): boolean {
    return this.#update !== undefined && this.#update.endpoints.length > 0;
  }

  /** Whether the endpoints were valid for a time that is over. */
  get isStale(): boolean {
    return this.#clock.now() > (this.#update?.validUntil ?? Number.POSITIVE_INFINITY);
  }

  /** Whether the name is gone, so that nothing it led to may be dialled. */
  get isWithdrawn(): boolean {
    return this.#update?.withdrawn === true;
  }

  /** A request needs endpoints. Asks for the next value. */
  demand(): void {
    if (this.#update?.endpoints.length === 0) this.#tell(this.#update.onWanted);
    this.#follower.demand();
  }

  /** Tells the resolver that none of its endpoints can be reached. Returns whether it will soon yield again. */
  onUnreachable(): boolean {
    try {
      const answer: unknown = this.#onUnreachable?.();
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#onBroken(error));
      return answer === true;
    } catch (error) {
      this.#onBroken(error);
      return false;
    }
  }

  /** Tells the resolver that its endpoints are slow to accept connections. */
  onSlow(): void {
    this.#tell(this.#update?.onSlow);
  }

  #tell(hook: (() => void) | undefined): void {
    try {
      hook?.();
    } catch (error) {
      this.#onBroken(error);
    }
  }

  /** The value isn't a resolution. The author of the resolver should hear of that; the last endpoints stay in use. */
  #onBroken(error: unknown): void {
    // The broken resolver isn't asked any more.
    this.#onUnreachable = undefined;
    this.error = asError(error);
    this.#publish(this.error);
  }

  stop(): void {
    this.#follower.stop();
  }

  #isWanted(): boolean {
    if (this.#update?.pushed) return true;
    return this.isKnown ? this.#owner.inUse : this.#owner.waiting > 0;
  }

  #publish(error: Error): void {
    if (!channels.discoveryError.hasSubscribers) return;
    channels.discoveryError.publish({ origin: this.#owner.url.origin, error });
  }

  #onResolution(resolution: Resolution): void {
    const { origin } = this.#owner.url;
    this.updatedAt = wallClock();
    if ('error' in resolution) {
      const { error, askedAt = Number.POSITIVE_INFINITY, asksAgain = false } = resolution;
      this.error = error;
      this.#publish(error);
      this.#owner.onError(error, askedAt, asksAgain);
      return;
    }
    const { source, endpoints } = resolution;
    this.source = source;
    this.error = null;
    this.#update = resolution;
    this.#onUnreachable = resolution.onUnreachable;
    this.#owner.onUpdate(resolution);
    if (channels.discoveryUpdate.hasSubscribers)
      channels.discoveryUpdate.publish({ origin, source, endpoints });
  }
}
