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
  /** Called when the shares of the levels have changed. */
  onWeighed: () => void;
}

/**
 * Keeps what locality knows about the endpoints up to date: how near each one is, and which can serve. Endpoints that
 * can't serve don't reduce the share of the others.
 */
export class LocalityRouting<E extends Endpoint> {
  readonly #locality: Locality;
  readonly #set: EndpointSet<E>;
  readonly #board: PickerBoard<E>;
  readonly #onWeighed: () => void;
  /** The endpoints that can't serve now. */
  readonly #unusable = new Set<E>();
  #isDue = false;

  constructor({ locality, set, board, onWeighed }: LocalityRoutingOptions<E>) {
    this.#locality = locality;
    this.#set = set;
    this.#board = board;
    this.#onWeighed = onWeighed;
  }

  /** The set has changed: sets how near each endpoint is. */
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

  /** The reasons of an endpoint have changed. If many change at once, shares are computed once. */
  review(endpoint: E): void {
    const isSuspect = (endpoint.reasons & (FAILING | IN_DOUBT)) !== 0;
    const usable = endpoint.isAvailable && !isSuspect && !isLastResort(endpoint);
    if (usable === !this.#unusable.has(endpoint)) return;
    if (usable) this.#unusable.delete(endpoint);
    // A pod behind a virtual IP comes and goes without an update, and has no level.
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
    // Pickers find an endpoint by its level.
    this.#board.without([endpoint]);
    endpoint.setLevel(level);
  }

  /** Computes the shares of the levels again. */
  #setShares(): void {
    const all = [...this.#set.current.values()];
    const usable = all.filter((endpoint) => !this.#unusable.has(endpoint));
    // If no endpoint can serve, all are tried. New endpoints count at once: while they are slow, only their own zone
    // notices.
    const counted = usable.length > 0 ? usable : all;
    this.#locality.weigh(counted.map(({ level, info }) => ({ level, weight: baseWeight(info) })));
    this.#onWeighed();
  }
}

/** Whether an endpoint gets requests or dials only because there is no other, or to find out whether it is back. */
function isLastResort({ health }: Endpoint): boolean {
  const standing = health?.standing;
  return standing === 'out' || standing === 'unreachable' || standing === 'silent';
}
