import { HttpClient } from '../http/http-client.ts';
import type { PlayedAgent } from '../http/played-agent.ts';
import type { RequestCall } from '../http/request-call.ts';
import { Invariant } from './invariant.ts';

/**
 * An agent of node:http has no more requests under way than it may have, no request waits while its agent has a place, and the
 * lists that its users see are true: no more sockets than places, and nothing when there are no requests.
 */
export class AgentPlaces extends Invariant {
  readonly name = 'places of agents';

  get #agents(): readonly PlayedAgent[] {
    const { client } = this.scene;
    return client instanceof HttpClient ? client.agents : [];
  }

  override onStep(): void {
    const agents = this.#agents;
    for (const { taken, most } of agents) {
      if (taken.taken > most) this.violate(`an agent has ${taken.taken} requests, and may have ${most}`);
    }
    for (const call of agents.length === 0 ? [] : (this.scene.live as Set<RequestCall>)) {
      if (!call.waitsForPlace) continue;
      const { taken, most } = call.agent;
      if (taken.taken < most) this.violate(`call ${call.id} waits, and its agent has a place`);
      // Those after it wait for the same.
      return;
    }
  }

  override look(): void {
    for (const agent of this.#agents) {
      const sockets = count(agent.sockets);
      const { taken } = agent.taken;
      if (sockets > taken) this.violate(`an agent lists ${sockets} sockets, and has ${taken} requests`);
    }
  }

  override onRest(): void {
    this.#lookForNone();
  }

  override onOver(): void {
    if (this.scene.endedAt >= 0) this.#lookForNone();
  }

  #lookForNone(): void {
    for (const { taken, sockets, requests, freeSockets } of this.#agents) {
      const all = taken.taken + count(sockets) + count(requests) + count(freeSockets);
      if (all > 0) this.violate(`an agent has ${all} of something, and nobody calls`);
    }
  }
}

function count(listed: NodeJS.ReadOnlyDict<unknown[]>): number {
  let sum = 0;
  for (const name in listed) sum += listed[name]!.length;
  return sum;
}
