import type { Picker } from '../balancing/picker.ts';
import { queueMicrotask } from '../base/clock.ts';
import type { Board, Endpoint } from './endpoint.ts';
import type { Pickers } from './pickers.ts';
import { COLD, FULL, RARE, SUPERSEDED, UNDIALABLE, UNFIT, UNTRIED } from './reasons.ts';

/** Those that wait for endpoints. */
export interface Waiters {
  /** Whether anybody waits for something to end. */
  readonly isAwaited: boolean;
  /** An endpoint has room that had none. */
  serve(): void;
  /** The same, once what is going on is settled. */
  serveSoon(): void;
  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: Endpoint, error: Error): void;
}

/**
 * Moves endpoints from one picker to another as the reasons change for which they may not be picked, or dialled, and
 * wakes who waits: nobody else does.
 */
export class PickerBoard<E extends Endpoint> implements Board {
  readonly origin: string;
  readonly pickers: Pickers<E>;
  readonly maxRequests: number;
  /** It is known by name which pod a connection leads to, so that dials lead to any, and none of them comes first. */
  #dialsLeadAnywhere = false;
  /** Whether pods behind a virtual IP have their connections used in turn: several may lead to one that shares its name. */
  usesConnectionsInTurn = true;
  #onReasons: ((endpoint: E, before: number) => void) | undefined;
  #waiters: Waiters | undefined;

  /** @param maxRequests requests in flight that an endpoint may have; `Infinity` without a limit */
  constructor(origin: string, pickers: Pickers<E>, maxRequests: number) {
    this.origin = origin;
    this.pickers = pickers;
    this.maxRequests = maxRequests;
  }

  /** Has somebody told of each endpoint that had other reasons before, of those that change seldom: see `RARE`. */
  watch(onReasons: (endpoint: E, before: number) => void): void {
    this.#onReasons = onReasons;
  }

  serveTo(waiters: Waiters): void {
    this.#waiters = waiters;
  }

  update(endpoint: E): void {
    const picker = this.#pickerFor(endpoint.reasons);
    if (picker === endpoint.picker) picker?.update(endpoint);
    else this.#move(endpoint, picker);
  }

  changed(endpoint: E, before: number): void {
    this.update(endpoint);
    if (((endpoint.reasons ^ before) & RARE) !== 0) this.#onReasons?.(endpoint, before);
  }

  #pickerFor(reasons: number): Picker<E> | undefined {
    if ((reasons & UNFIT) !== 0) return undefined;
    const { ready, dialable, untried } = this.pickers;
    if ((reasons & (FULL | COLD)) === 0) return ready;
    if ((reasons & (FULL | SUPERSEDED)) === SUPERSEDED) return ready;
    if ((reasons & UNDIALABLE) !== 0) return undefined;
    return (reasons & UNTRIED) !== 0 || this.#dialsLeadAnywhere ? untried : dialable;
  }

  #move(endpoint: E, picker: Picker<E> | undefined): void {
    endpoint.picker?.remove(endpoint);
    endpoint.picker = picker;
    picker?.add(endpoint);
  }

  /** Takes endpoints out of all pickers until they are updated. */
  without(endpoints: Iterable<E>): void {
    for (const endpoint of endpoints) this.#move(endpoint, undefined);
  }

  updateAll(endpoints: Iterable<E>): void {
    for (const endpoint of endpoints) this.update(endpoint);
  }

  /** An endpoint has another weight. With the first one that has, pickers begin to look at weights. */
  reweigh(endpoint: E, all: Iterable<E>): void {
    if (this.pickers.weighted) {
      this.update(endpoint);
      return;
    }
    const endpoints = [...all];
    this.without(endpoints);
    for (const each of endpoints) each.clearSlot();
    this.pickers.lookAtWeights();
    this.updateAll(endpoints);
  }

  /** Whether dials lead to any pod, whatever endpoint they are for. */
  set dialsLeadAnywhere(value: boolean) {
    this.#dialsLeadAnywhere = value;
  }

  // Those that wait

  /** An endpoint has room that had none. */
  wake(): void {
    this.#waiters?.serve();
  }

  /** The same later: this may be on behalf of a request that waits. */
  wakeLater(): void {
    queueMicrotask(() => this.wake());
  }

  /** Something has ended, or failed, so that somebody may be served, or is to be told. */
  stir(): void {
    if (this.#waiters?.isAwaited) this.#waiters.serveSoon();
  }

  /** A call is free to be sent again, or to be failed. */
  stirLater(): void {
    this.#waiters?.serveSoon();
  }

  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: E, error: Error): void {
    this.#waiters?.onUnreached(endpoint, error);
    this.stir();
  }
}
