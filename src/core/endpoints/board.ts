import type { Picker } from '../balancing/picker.ts';
import { queueMicrotask } from '../base/clock.ts';
import type { Board, Endpoint } from './endpoint.ts';
import type { Pickers } from './pickers.ts';
import { COLD, FULL, RARE, SUPERSEDED, UNDIALABLE, UNFIT, UNTRIED } from './reasons.ts';

/** The calls that wait for endpoints. */
export interface Waiters {
  /** Whether any call, or the end of the service, waits for something to end. */
  readonly isAwaited: boolean;
  /** An endpoint that had no room has room now. */
  serve(): void;
  /** The same, after what is going on now. */
  serveSoon(): void;
  /** An endpoint can't be reached for a while. */
  onUnreached(endpoint: Endpoint, error: Error): void;
}

/**
 * Moves endpoints from one picker to another when the reasons change for which they may not be picked or dialled, and
 * wakes waiting calls. No other part does either.
 */
export class PickerBoard<E extends Endpoint> implements Board {
  readonly origin: string;
  readonly pickers: Pickers<E>;
  readonly maxRequests: number;
  /** Whether responses name the pods behind a virtual IP. Then a dial may lead to any pod, and none comes first. */
  #dialsLeadAnywhere = false;
  /** Whether the connections of a pod behind a virtual IP are used in turn. Several pods may share a name. */
  usesConnectionsInTurn = true;
  #onReasons: ((endpoint: E, before: number) => void) | undefined;
  #waiters: Waiters | undefined;

  /** @param maxRequests how many requests an endpoint may have in flight; `Infinity` without a limit */
  constructor(origin: string, pickers: Pickers<E>, maxRequests: number) {
    this.origin = origin;
    this.pickers = pickers;
    this.maxRequests = maxRequests;
  }

  /** Calls `onReasons` when one of the `RARE` reasons of an endpoint changes. */
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

  /** Takes endpoints out of all pickers, until they are updated. */
  without(endpoints: Iterable<E>): void {
    for (const endpoint of endpoints) this.#move(endpoint, undefined);
  }

  updateAll(endpoints: Iterable<E>): void {
    for (const endpoint of endpoints) this.update(endpoint);
  }

  /** The weight of an endpoint has changed. At the first such change, pickers begin to use weights. */
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

  /** Whether a dial leads to any pod, whatever its endpoint. */
  set dialsLeadAnywhere(value: boolean) {
    this.#dialsLeadAnywhere = value;
  }

  // Waking calls that wait

  /** An endpoint that had no room has room now. */
  wake(): void {
    this.#waiters?.serve();
  }

  /** The same, in a microtask: the change may come from a call that waits. */
  wakeLater(): void {
    queueMicrotask(() => this.wake());
  }

  /** Something has ended or failed. So a waiting call may be served, or must be failed. */
  stir(): void {
    if (this.#waiters?.isAwaited) this.#waiters.serveSoon();
  }

  /** A call can be sent again, or must be failed. */
  stirLater(): void {
    this.#waiters?.serveSoon();
  }

  /** An endpoint can't be reached for a while. */
  onUnreached(endpoint: E, error: Error): void {
    this.#waiters?.onUnreached(endpoint, error);
    this.stir();
  }
}
