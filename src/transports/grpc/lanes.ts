import { hash } from '../../core/base/hash.ts';
import type { GrpcEndpoint } from './grpc-endpoint.ts';
import type { PickArgs } from './grpc-js.ts';
import type { Hub } from './hub.ts';
import { Lane } from './lane.ts';

/** The lanes of one channel, and which one a call takes. */
export class Lanes {
  readonly #lanes = new Map<GrpcEndpoint, Lane>();

  get size(): number {
    return this.#lanes.size;
  }

  [Symbol.iterator](): Iterator<Lane> {
    return this.#lanes.values();
  }

  get(endpoint: GrpcEndpoint): Lane | undefined {
    return this.#lanes.get(endpoint);
  }

  /** The lane to an endpoint. Makes one if there is none. */
  of(endpoint: GrpcEndpoint): Lane {
    let lane = this.#lanes.get(endpoint);
    if (lane === undefined) {
      lane = new Lane(endpoint);
      this.#lanes.set(endpoint, lane);
    }
    return lane;
  }

  delete({ endpoint }: Lane): void {
    this.#lanes.delete(endpoint);
  }

  clear(): void {
    this.#lanes.clear();
  }

  /** The lane that a call takes; `undefined`: no endpoint is connected. */
  choose(hub: Hub, metadata: PickArgs['metadata']): Lane | undefined {
    const { fleet, hashHeader } = hub;
    if (fleet.ring !== undefined && hashHeader !== undefined) {
      const [key] = metadata.get(hashHeader);
      if (key !== undefined && key.length > 0) return this.#bound(hub, hash(key.toString()));
    }
    const best = fleet.pickers.ready.pick();
    const lane = best && this.#lanes.get(best);
    return lane?.isReady ? lane : this.#chooseOther(hub);
  }

  #bound(hub: Hub, keyHash: number): Lane | undefined {
    const endpoint = hub.boundTo(keyHash, this.#serves);
    return endpoint === undefined ? this.#chooseOther(hub) : this.#lanes.get(endpoint);
  }

  readonly #serves = (endpoint: GrpcEndpoint): boolean => this.#lanes.get(endpoint)?.isReady === true;

  /** The best endpoint isn't connected in this channel, or no endpoint may be picked. Then any connected one will do. */
  #chooseOther({ fleet: { board, pickers } }: Hub): Lane | undefined {
    const passed: GrpcEndpoint[] = [];
    let best = pickers.ready.pick();
    while (best !== undefined && !this.#serves(best)) {
      board.without([best]);
      passed.push(best);
      best = pickers.ready.pick();
    }
    board.updateAll(passed);
    return best === undefined ? this.#leastLoaded() : this.#lanes.get(best);
  }

  #leastLoaded(): Lane | undefined {
    let least: Lane | undefined;
    for (const lane of this.#lanes.values()) {
      if (lane.isReady && (least === undefined || lane.endpoint.load < least.endpoint.load)) least = lane;
    }
    return least;
  }
}
