import type { Pod } from '../../../src/core/connections/connection.ts';
import { Invariant } from './invariant.ts';

/**
 * What is counted is what is: calls that run, wait and last, in flight and apart at each endpoint, on each connection; open
 * connections and dials; seats.
 */
export class Counted extends Invariant {
  readonly name = 'counted';
  readonly #inFlight = new Map<Pod, number>();
  readonly #lasting = new Map<Pod, number>();
  /** Those in flight whose connection has closed before they were written: they hear that in their turn. */
  readonly #unheard = new Map<Pod, number>();

  override onStep(): void {
    const { service, live } = this.scene;
    if (service.running + service.waiting > live.size) {
      this.violate(`${service.running} run and ${service.waiting} wait, of ${live.size} calls`);
    }
  }

  override onRest(): void {
    this.look();
  }

  override look(): void {
    const { service, live, transport, world } = this.scene;
    const { pool } = service;
    this.#inFlight.clear();
    this.#lasting.clear();
    this.#unheard.clear();
    let [running, waiting, seated] = [0, 0, 0];
    for (const call of live) {
      const { endpoint, connection } = call;
      if (call.seated) seated++;
      if (call.waiting) waiting++;
      if (call.socketOpen || call.streaming) {
        add(this.#lasting, endpoint!);
      } else if (connection !== undefined) {
        running++;
        add(this.#inFlight, endpoint!);
        const wire = world.wireOf(connection.wire);
        if (wire.closed) add(this.#unheard, endpoint!);
        if (!wire.carriedCalls.has(call))
          this.violate(`call ${call.id} is in flight, and connection ${wire.id} hasn't it`);
      }
    }
    this.#expect('run', service.running, running);
    this.#expect('wait', service.waiting, waiting);
    this.#expect('are seated', pool.seats.taken, seated);
    this.#expect('are dialled', pool.dials.size, transport.dialling);
    for (const endpoint of service.endpoints) this.#lookAt(endpoint);
  }

  #lookAt(endpoint: Pod): void {
    const { key } = endpoint;
    this.#expect(`are in flight at ${key}`, endpoint.inFlight, this.#inFlight.get(endpoint) ?? 0);
    this.#expect(`last at ${key}`, endpoint.lasting, this.#lasting.get(endpoint) ?? 0);
    if (endpoint.load < endpoint.inFlight)
      this.violate(`the load of ${key} is ${endpoint.load}, less than in flight`);
    let connected = 0;
    let carried = 0;
    let aging = 0;
    for (const connection of endpoint.connections) {
      const { retired, inFlight, lasting } = connection;
      carried += inFlight + (connection.multiplexed ? lasting : 0);
      if (retired === undefined) connected++;
      if (retired === undefined && connection.aging) aging++;
      if (inFlight < 0 || lasting < 0)
        this.violate(`a connection of ${key} carries ${inFlight} and ${lasting}`);
    }
    this.#expect(`are connected to ${key}`, endpoint.connected, connected);
    this.#expect(`age at ${key}`, endpoint.aging, aging);
    if (carried + (this.#unheard.get(endpoint) ?? 0) < endpoint.inFlight)
      this.violate(`connections of ${key} carry ${carried}, it ${endpoint.inFlight}`);
    if (endpoint.dialing < 0 || endpoint.overdue < 0) this.violate(`${key} has a negative number of dials`);
  }

  #expect(what: string, counted: number, is: number): void {
    if (counted !== is) this.violate(`${counted} ${what}, as it is counted; ${is}, as it is`);
  }
}

function add(counts: Map<Pod, number>, endpoint: Pod): void {
  counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
}
