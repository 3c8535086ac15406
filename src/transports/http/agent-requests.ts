import type { EventEmitter } from 'node:events';
import type { Agent } from 'node:http';
import { isIP } from 'node:net';
import type { AgentClosedError } from './agent-closed.ts';
import { BoundHosts } from './bound-hosts.ts';
import { Bucket, type Total } from './bucket.ts';
import { checkTls, servernameOf } from './dialer.ts';
import { endUnsent } from './failures.ts';
import type { HttpService } from './http-service.ts';
import type { Destination, HttpServices } from './http-services.ts';
import {
  agentPrototype,
  headersOf,
  type NodeAgent,
  type NodeRequest,
  type RequestOptions,
  requestHeader,
} from './node-http.ts';
import { type Profile, Profiles } from './profile.ts';

type Family = Destination['family'];

/** What a request asks for, before it has a service. */
interface Wanted {
  readonly host: string;
  readonly port: number | string;
  readonly family: Family;
  readonly servername: string;
  readonly profile: Profile;
}

let secureAgents = 0;

/**
 * Takes the requests of one agent of node:http, within the agent's limits, and keeps the agent's public maps up to
 * date.
 */
export class AgentRequests implements Total {
  taken = 0;
  readonly ownsAgent: boolean;
  readonly #agent: NodeAgent;
  readonly #services: HttpServices;
  readonly #profiles: Profiles;
  readonly #secure: boolean;
  /**
   * Separates the connections of an agent from those of other agents, with TLS only. Callers may check certificates
   * themselves, once for each connection of their agent. So they must not get a connection that another agent's caller
   * has accepted.
   */
  readonly #apart: string;
  readonly #buckets = new Map<HttpService, Bucket>();
  readonly #bound = new BoundHosts();
  #closed: AgentClosedError | undefined;
  #onDrained: (() => void) | undefined;
  #last: Wanted | undefined;
  #lastBucket: Bucket | undefined;

  constructor(agent: NodeAgent, services: HttpServices, ownsAgent: boolean) {
    this.ownsAgent = ownsAgent;
    this.#agent = agent;
    this.#services = services;
    this.#profiles = new Profiles(agent);
    this.#secure = agent.protocol === 'https:';
    this.#apart = this.#secure ? `${++secureAgents}` : '';
  }

  /** Takes a request. Returns false if only Node can send it. */
  take(request: NodeRequest, options: RequestOptions): boolean {
    if (this.#closed !== undefined) {
      endUnsent(request, this.#closed);
      return true;
    }
    if (this.#services.mocks.areActive) return false;
    const header = headersOf(request)?.host?.[1];
    // If the Host header is no string, Node throws an error for it.
    if (this.#services.ended || (header !== undefined && typeof header !== 'string')) return false;
    if (this.isBound(request, options)) return false;
    const bucket = this.#bucketFor(options, header);
    bucket?.add(request, options);
    return bucket !== undefined;
  }

  isBound(request: NodeRequest, { host, port }: RequestOptions): boolean {
    const authorization = requestHeader(request, 'authorization');
    return this.#bound.has(host, port, authorization) && !this.#services.findsOwnNames;
  }

  retake(request: NodeRequest, options: RequestOptions): void {
    if (this.take(request, options)) return;
    agentPrototype.addRequest.call(this.#agent as unknown as Agent, request, options);
  }

  #bucketFor(options: RequestOptions, header: string | undefined): Bucket | undefined {
    // The options of an agent override those of its requests.
    const own = this.#agent.options;
    const { host, port } = options;
    const family = familyOf(own.family ?? options.family);
    const servername = this.#secure ? servernameFor(own.servername ?? options.servername, host, header) : '';
    const profile = this.#profiles.of(options);
    const last = this.#last;
    if (
      last !== undefined &&
      last.host === host &&
      last.port === port &&
      last.profile === profile &&
      last.servername === servername &&
      last.family === family &&
      !this.#lastBucket!.service.ended
    ) {
      return this.#lastBucket;
    }
    return this.#newBucketFor({ host, port, family, servername, profile });
  }

  #newBucketFor(wanted: Wanted): Bucket | undefined {
    const service = this.#serviceFor(wanted);
    if (service === undefined) return undefined;
    let bucket = this.#buckets.get(service);
    if (bucket === undefined) {
      this.#forgetEnded();
      bucket = new Bucket(this.#agent, service, this.#nameOf(wanted), this);
      this.#buckets.set(service, bucket);
    }
    this.#last = wanted;
    this.#lastBucket = bucket;
    return bucket;
  }

  #serviceFor({ host, port, family, servername, profile }: Wanted): HttpService | undefined {
    const { protocol } = this.#agent;
    const origin = `${protocol}//${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const variant = `${servername} ${family} ${this.#apart} ${profile.name}`;
    const known = this.#services.get(origin, variant);
    if (known !== undefined) return known;
    const url = URL.parse(origin);
    if (url === null || url.port !== portText(port, protocol)) return undefined;
    if (this.#secure) checkTls(profile.connect);
    const agent = this.#secure ? (this.#agent as unknown as EventEmitter) : undefined;
    const { connect } = profile;
    return this.#services.create({ origin, variant, url, servername, family, connect, agent });
  }

  #nameOf({ host, port, family, servername, profile }: Wanted): string {
    const { localAddress } = profile.connect;
    return this.#agent.getName({ ...profile.connect, host, port, family, servername, localAddress });
  }

  /** Services that have ended don't report it. They are forgotten when others come. */
  #forgetEnded(): void {
    for (const service of this.#buckets.keys()) if (service.ended) this.#buckets.delete(service);
  }

  /** A place is free: gives it to a request in another bucket. */
  onFree(): void {
    if (this.taken === 0) this.#onDrained?.();
    if (this.#agent.maxTotalSockets === Number.POSITIVE_INFINITY) return;
    for (const bucket of this.#buckets.values()) {
      if (!bucket.isWaiting) continue;
      bucket.serve();
      if (this.taken >= this.#agent.maxTotalSockets) return;
    }
  }

  /**
   * Takes no more requests: they fail with this error. If the agent was destroyed, requests that wait for a place fail
   * too.
   *
   * @returns when the requests that were taken have ended
   */
  close(error: AgentClosedError): Promise<void> {
    this.#closed = error;
    if (error.how === 'destroyed') for (const bucket of this.#buckets.values()) bucket.failAll(error);
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      if (this.taken === 0) resolve();
    });
  }
}

function familyOf(family: unknown): Family {
  return family === 4 || family === 6 ? family : 0;
}

/** The name that TLS asks for, as in Node: the given name, or that of the Host header; none for an IP address. */
function servernameFor(given: unknown, host: string, header: string | undefined): string {
  return typeof given === 'string' ? given : servernameOf(host, header);
}

function portText(port: number | string, protocol: string): string {
  const isDefault = Number(port) === (protocol === 'https:' ? 443 : 80);
  return isDefault ? '' : String(Number(port));
}
