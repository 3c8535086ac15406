import type { Locality, Location } from '../balancing/locality.ts';
import { queueMicrotask } from '../base/clock.ts';
import type { PickerBoard } from './board.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointSet } from './endpoint-set.ts';
import { FAILING, IN_DOUBT } from './reasons.ts';
import { baseWeight } from './weights.ts';

export interface LocalityRoutingOptions<E extends Endpoint> {
  locality: Locality;
  set: EndpointSet<E>;
  board: PickerBoard<E>;
  /** It is said anew how many requests stay near. */
  onWeighed: () => void;
}

/**
 * Keeps what locality knows of the endpoints up to date: how near each of them is, and which can be used, for
 * those that can't be take nothing off the others.
 */
export class LocalityRouting<E extends Endpoint> {
  readonly #locality: Locality;
  readonly #set: EndpointSet<E>;
  readonly #board: PickerBoard<E>;
  readonly #onWeighed: () => void;
  /** Endpoints that can't serve now, be they used or not. */
  readonly #unusable = new Set<E>();
  #isDue = false;

  constructor({ locality, set, board, onWeighed }: LocalityRoutingOptions<E>) {
    this.#locality = locality;
    this.#set = set;
    this.#board = board;
    this.#onWeighed = onWeighed;
  }

  /** The set has changed: says of each endpoint how near it is. */
  locate(gone: readonly E[], here: Location | undefined): void {
    const endpoints = [...this.#set.current.values()];
    this.#locality.update(
      endpoints.map(({ info }) => info),
      here,
    );
    for (const endpoint of gone) this.#unusable.delete(endpoint);
    for (const endpoint of endpoints) this.#move(endpoint, this.#locality.levelOf(endpoint.info));
    this.#setShares();
  }

  /** An endpoint has other reasons than before. What many of them change together is weighed once. */
  review(endpoint: E): void {
    const isSuspect = (endpoint.reasons & (FAILING | IN_DOUBT)) !== 0;
    const usable = endpoint.isAvailable && !isSuspect && !isLastResort(endpoint);
    if (usable === !this.#unusable.has(endpoint)) return;
    if (usable) this.#unusable.delete(endpoint);
    // Pods behind a virtual IP come and go without an update, and take part in no share.
    else if (this.#set.current.get(endpoint.key) === endpoint) this.#unusable.add(endpoint);
    else return;
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#setShares();
    });
  }

  #move(endpoint: E, level: number): void {
    if (level === endpoint.level) return;
    // Pickers find it by its level.
    this.#board.without([endpoint]);
    endpoint.setLevel(level);
  }

  /** Says anew how many requests stay near. */
  #setShares(): void {
    const all = [...this.#set.current.values()];
    const usable = all.filter((endpoint) => !this.#unusable.has(endpoint));
    // Where none serves, all are tried. A zone has its share of new ones at once: they are slow for each other only.
    const counted = usable.length > 0 ? usable : all;
    this.#locality.weigh(counted.map(({ level, info }) => ({ level, weight: baseWeight(info) })));
    this.#onWeighed();
  }
}

/** Whether an endpoint is used, or dialled again, though it is out or could not be reached: for want of others, or to see. */
function isLastResort({ health }: Endpoint): boolean {
  return health?.standing === 'out' || health?.standing === 'unreachable';
}
