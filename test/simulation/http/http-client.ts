import { AgentClosedError } from '../../../src/transports/http/agent-closed.ts';
import type { HttpService } from '../../../src/transports/http/http-service.ts';
import { HttpServices } from '../../../src/transports/http/http-services.ts';
import { asNodeAgent } from '../../../src/transports/http/node-http.ts';
import { Profiles } from '../../../src/transports/http/profile.ts';
import type { Asked, Caller } from '../call.ts';
import type { Client } from '../client.ts';
import type { SimulatedDiscovery } from '../discovery.ts';
import type { Scene } from '../scene.ts';
import { MemoryTransport } from './memory-transport.ts';
import { PlayedAgent } from './played-agent.ts';
import { RequestCall } from './request-call.ts';

const URL_OF = new URL('http://simulated.prod');

/** The services of the agents, of which there is one. */
class PlayedServices extends HttpServices {
  // It stays the same one.
  override onIdle(): void {}
}

/** Requests of node:http, on sockets in memory. */
export class HttpClient implements Client {
  readonly service: HttpService;
  transport!: MemoryTransport;
  readonly agents: readonly PlayedAgent[];
  readonly #scene: Scene;
  readonly #services: PlayedServices;
  readonly #calls = new Map<number, RequestCall>();
  readonly #byRequest = new WeakMap<object, RequestCall>();

  constructor(scene: Scene, discovery: SimulatedDiscovery, identity: string) {
    this.#scene = scene;
    const { world, settings, scenario } = scene;
    const memory = {
      world,
      route: discovery.route,
      callOf: (id: number) => this.#calls.get(id),
      callFor: (request: object) => this.#byRequest.get(request)!,
    };
    this.#services = new PlayedServices({
      settings,
      resolver: discovery.resolve,
      identity,
      newTransport: (options) => {
        this.transport = new MemoryTransport(options, memory);
        return this.transport;
      },
    });
    this.agents = scenario.agents!.map((plan) => new PlayedAgent(plan, this.#services));
    this.service = this.#makeService();
  }

  /** The service that the first request would make. */
  #makeService(): HttpService {
    const [agent] = this.agents;
    const { name, connect } = new Profiles(asNodeAgent(agent!)).of({ host: URL_OF.hostname, port: 80 });
    const service = this.#services.create({
      origin: 'http://simulated.prod:80',
      variant: ` 0  ${name}`,
      url: URL_OF,
      servername: '',
      family: 0,
      connect,
      agent: undefined,
    });
    const { take } = service;
    service.take = (call) => {
      this.#byRequest.get(call.request)!.onTaken(call as Parameters<RequestCall['onTaken']>[0]);
      take.call(service, call);
    };
    return service;
  }

  call(caller: Caller, id: number, asked: Asked, limit: number): void {
    const { agents } = this;
    const agent = agents[id % agents.length]!;
    const call = new RequestCall(this.#scene, agent, caller, id, asked);
    this.#calls.set(id, call);
    this.#scene.world.watch.onTaken(call);
    const request = call.begin(asked.keyHash);
    this.#byRequest.set(request, call);
    if (limit > 0) call.limit(limit);
  }

  async close(): Promise<void> {
    const error = new AgentClosedError('closed');
    await Promise.all(this.agents.map(({ taken }) => taken.close(error)));
    await this.#services.end((service) => service.close());
  }

  async destroy(): Promise<void> {
    const error = new AgentClosedError('destroyed');
    for (const { taken } of this.agents) void taken.close(error);
    await this.#services.end((service) => service.destroy(error));
  }
}
