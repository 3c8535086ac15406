import { channels } from '../base/channels.ts';
import { type Clock, wallClock } from '../base/clock.ts';
import { asError, Follower } from './follower.ts';
import type { EndpointUpdate, Resolution, Resolver } from './resolver.ts';

/** What discovery tells its service, and asks of it. */
export interface DiscoveryOwner {
  readonly url: Pick<URL, 'hostname' | 'origin' | 'port' | 'protocol'>;
  /** Whether there is traffic. */
  readonly inUse: boolean;
  /** Requests that wait for a connection. */
  readonly waiting: number;
  onUpdate(update: EndpointUpdate): void;
  /** What is known stays in use. With nothing known, those that have waited since `askedAt` need wait no more. */
  onError(error: Error, askedAt: number): void;
}

export interface DiscoveryOptions {
  resolver: Resolver;
  clock: Clock;
  random: () => number;
}

/** What is known of a service's endpoints: from where, since when, and for how long. */
export class Discovery {
  /** Who said what is known; `none` before anybody has. */
  source = 'none';
  /** Wall-clock milliseconds. */
  updatedAt: number | undefined;
  /** Why nothing newer is known. */
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
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port) || (protocol === 'https:' ? 443 : 80),
        protocol: protocol as 'http:' | 'https:',
      },
      clock,
      random,
      onResolution: (resolution) => this.#onResolution(resolution),
      isWanted: () => this.#isWanted,
      isUrgent: () => !this.isKnown && owner.waiting > 0,
    });
  }

  /** Whether there are endpoints. */
  get isKnown(): boolean {
    return this.#update !== undefined && this.#update.endpoints.length > 0;
  }

  /** Whether what is known was for a while that has passed. */
  get isStale(): boolean {
    return this.#clock.now() > (this.#update?.validUntil ?? Number.POSITIVE_INFINITY);
  }

  /** Whether the name has gone, and nothing that it led to may be dialled. */
  get isWithdrawn(): boolean {
    return this.#update?.withdrawn === true;
  }

  /** Asks for news. */
  demand(): void {
    this.#follower.demand();
  }

  /** Tells the resolver that nothing of what it yielded can be reached. Whether it soon yields again. */
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

  /** Tells the resolver that what it yielded is slow to take connections. */
  onSlow(): void {
    try {
      this.#update?.onSlow?.();
    } catch (error) {
      this.#onBroken(error);
    }
  }

  /** It is no resolver's fault but its author's, which they should hear of; what it yielded stays in use. */
  #onBroken(error: unknown): void {
    // Asked no more.
    this.#onUnreachable = undefined;
    this.error = asError(error);
    this.#publish(this.error);
  }

  stop(): void {
    this.#follower.stop();
  }

  get #isWanted(): boolean {
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
      const { error, askedAt = Number.POSITIVE_INFINITY } = resolution;
      this.error = error;
      this.#publish(error);
      this.#owner.onError(error, askedAt);
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
