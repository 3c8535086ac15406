import { Service } from '../../src/core/service.ts';
import { type Asked, type Caller, SimulatedCall } from './call.ts';
import type { SimulatedDiscovery } from './discovery.ts';
import type { Scene } from './scene.ts';
import { SimulatedTransport } from './transport.ts';

/** What calls go through: the core with the simulation's own transport, or node:http. */
export interface Client {
  readonly service: Service;
  readonly transport: Dialling;
  /** Makes a call, whose caller waits no longer than so many microseconds; 0: as long as it takes. */
  call(caller: Caller, id: number, asked: Asked, limit: number): void;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** The dials of a transport that are under way: all of them, and those that are to make a wire. */
export interface Dialling {
  readonly underWay: { readonly size: number };
  readonly dialling: number;
}

/** The core, with the simulation's own transport. */
export class CoreClient implements Client {
  readonly service: Service;
  readonly transport: SimulatedTransport;
  readonly #scene: Scene;

  constructor(scene: Scene, discovery: SimulatedDiscovery, identity: string) {
    const { world, scenario, settings } = scene;
    this.#scene = scene;
    this.transport = new SimulatedTransport(world, scenario, discovery.route);
    this.transport.onDial = (target) => world.watch.onDial(target);
    this.service = new Service(
      {
        key: 'simulated',
        url: new URL('http://simulated.prod'),
        settings,
        resolver: discovery.resolve,
        transport: this.transport,
        identity,
      },
      { onConnectionError() {}, onDrain() {}, onIdle() {} },
    );
  }

  call(caller: Caller, id: number, asked: Asked, limit: number): void {
    const { world } = this.#scene;
    const call = new SimulatedCall(world, this.service.calls, caller, id, asked);
    world.watch.onTaken(call);
    this.service.dispatch(call, false);
    if (limit > 0) call.limit(limit);
  }

  close(): Promise<void> {
    return this.service.close();
  }

  destroy(): Promise<void> {
    return this.service.destroy(new Error('destroyed'));
  }
}
