import { LeastRequest } from '../balancing/least-request.ts';
import type { Candidate } from '../balancing/picker.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointSet } from './endpoint-set.ts';

/** An endpoint as a place for upgraded sockets and event streams, which evenkeel counts apart from requests. */
class Seat<E> implements Candidate {
  readonly endpoint: E;
  readonly weight = 1;
  /** How many of its sockets and streams are open, or being opened. */
  load = 0;
  slot: unknown = undefined;
  /** Whether it may be chosen. */
  offered = false;

  constructor(endpoint: E) {
    this.endpoint = endpoint;
  }
}

/** Chooses an endpoint for each upgraded socket and event stream: the one with the fewest of them. */
export class Seats<E extends Endpoint> {
  readonly #picker = new LeastRequest<Seat<E>>();
  readonly #seats = new WeakMap<E, Seat<E>>();
  readonly #set: EndpointSet<E>;
  /** Whether any socket or stream was ever asked for. Most services have none, so before that nothing is tracked. */
  #started = false;
  /** How many seats are taken, in all. */
  taken = 0;

  constructor(set: EndpointSet<E>) {
    this.#set = set;
  }

  /** Takes a seat at the endpoint with the fewest, of those that are open. */
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

  /** Takes a seat at an endpoint, however many it has. */
  join(endpoint: E): void {
    this.#count(this.#seatOf(endpoint), 1);
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const endpoint of this.#set.available()) this.offer(endpoint, true);
  }

  /** Leaves a seat at an endpoint. */
  leave(endpoint: E): void {
    this.#count(this.#seatOf(endpoint), -1);
  }

  /** Sets whether an endpoint may be chosen. */
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
