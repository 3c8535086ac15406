import { LeastRequest } from '../balancing/least-request.ts';
import type { Candidate } from '../balancing/picker.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointSet } from './endpoint-set.ts';

/** An endpoint as a place for upgraded sockets and event streams, which are counted apart from requests. */
class Seat<E> implements Candidate {
  readonly endpoint: E;
  readonly weight = 1;
  /** Sockets and streams that are open, or being opened. */
  load = 0;
  slot: unknown = undefined;
  /** Whether it may be chosen. */
  offered = false;

  constructor(endpoint: E) {
    this.endpoint = endpoint;
  }
}

/** Chooses endpoints for upgraded sockets and event streams: the one with the fewest of them. */
export class Seats<E extends Endpoint> {
  readonly #picker = new LeastRequest<Seat<E>>();
  readonly #seats = new WeakMap<E, Seat<E>>();
  readonly #set: EndpointSet<E>;
  /** None is offered before it matters: most services have no such sockets. */
  #started = false;
  /** How many there are. */
  taken = 0;

  constructor(set: EndpointSet<E>) {
    this.#set = set;
  }

  /** The endpoint with the fewest, of those that are open, which counts one more from now on. */
  take(isOpen: (endpoint: E) => boolean): E | undefined {
    this.#start();
    const closed: Seat<E>[] = [];
    let seat = this.#picker.pick();
    for (; seat !== undefined && !isOpen(seat.endpoint); seat = this.#picker.pick()) {
      this.#picker.remove(seat);
      closed.push(seat);
    }
    for (const each of closed) this.#picker.add(each);
    if (seat !== undefined) this.#count(seat, 1);
    return seat?.endpoint;
  }

  /** Counts one more at an endpoint, however many it has. */
  join(endpoint: E): void {
    this.#count(this.#seatOf(endpoint), 1);
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const endpoint of this.#set.available()) this.offer(endpoint, true);
  }

  /** Counts one less at an endpoint. */
  leave(endpoint: E): void {
    this.#count(this.#seatOf(endpoint), -1);
  }

  /** Says whether an endpoint may be chosen. */
  offer(endpoint: E, offered: boolean): void {
    if (!this.#started) return;
    const seat = this.#seatOf(endpoint);
    if (seat.offered === offered) return;
    seat.offered = offered;
    if (offered) this.#picker.add(seat);
    else this.#picker.remove(seat);
  }

  #count(seat: Seat<E>, change: number): void {
    this.taken += change;
    seat.load += change;
    if (seat.offered) this.#picker.update(seat);
  }

  #seatOf(endpoint: E): Seat<E> {
    let seat = this.#seats.get(endpoint);
    if (seat === undefined) {
      seat = new Seat(endpoint);
      this.#seats.set(endpoint, seat);
    }
    return seat;
  }
}
