import type { Agent, ClientRequest } from 'node:http';
import { announce } from '../../admin/announce.ts';
import { type HostRule, hostRule } from '../../config/hosts.ts';
import type { Settings } from '../../config/settings.ts';
import { hostName } from '../../core/base/host.ts';
import type { LiveAgent } from '../../telemetry/live-agents.ts';
import type { ServiceStats } from '../../telemetry/stats.ts';
import { sharedResolverFor } from '../resolver-for.ts';
import { AgentClosedError } from './agent-closed.ts';
import { AgentRequests } from './agent-requests.ts';
import { HttpServices } from './http-services.ts';
import { asNodeAgent, asNodeRequest, type NodeRequest, type RequestOptions } from './node-http.ts';
import { needsNode } from './profile.ts';

let agents = 0;

/** Balances the requests of an agent that the user made. */
export class Balanced {
  readonly #services: HttpServices;
  readonly #requests: AgentRequests;
  readonly #rule: HostRule | undefined;
  /** Held here, because it is held weakly elsewhere. */
  readonly #live: LiveAgent;
  readonly #leave: () => void;
  readonly #makePlain: () => Agent;
  /** One of Node's own agents, for requests that only Node can send. */
  #plain: Agent | undefined;
  #closing: Promise<void> | undefined;

  constructor(agent: Agent, settings: Settings, options: LiveAgent['options'], makePlain: () => Agent) {
    const identity = `${hostName()} ${process.pid} http ${++agents}`;
    this.#services = new HttpServices({ settings, resolver: sharedResolverFor(settings), identity });
    this.#requests = new AgentRequests(asNodeAgent(agent), this.#services, true);
    this.#makePlain = makePlain;
    this.#rule = settings.hosts && hostRule(settings.hosts);
    this.#live = { name: 'node:http', settings, options, stats: () => this.stats };
    this.#leave = announce(this.#live);
  }

  get stats(): Record<string, ServiceStats> {
    return this.#services.stats;
  }

  /** Takes a request, or lets one of Node's own agents send it. */
  addRequest(agent: Agent, request: ClientRequest, options: object): void {
    if (this.#take(agent, asNodeRequest(request), options as RequestOptions)) return;
    this.#plain ??= this.#makePlain();
    asNodeAgent(this.#plain).addRequest.call(this.#plain, asNodeRequest(request), options as RequestOptions);
  }

  #take(agent: Agent, request: NodeRequest, options: RequestOptions): boolean {
    // In Node's oldest form, `options` is a host.
    if (typeof options !== 'object' || needsNode(asNodeAgent(agent), options)) return false;
    return this.#rule?.(options.host) !== false && this.#requests.take(request, options);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close(new AgentClosedError('closed'));
    await this.#closing;
  }

  async #close(error: AgentClosedError): Promise<void> {
    this.#leave();
    await this.#requests.close(error);
    await this.#services.end((service) => service.close());
    this.#plain?.destroy();
  }

  destroy(): void {
    const error = new AgentClosedError('destroyed');
    this.#leave();
    void this.#requests.close(error);
    void this.#services.end((service) => service.destroy(error));
    this.#plain?.destroy();
  }
}
