import { AsyncResource } from 'node:async_hooks';
import type { Demand } from '../base/demand.ts';
import { Ring, RingNode } from '../base/ring.ts';
import type { Call } from './call.ts';

/** When this process goes on after it was stopped, each waiting call has this many milliseconds left, at least. */
const GRACE = 1_000;

/** A call that waits for a connection. It goes on in the async context of its caller. */
export class Waiter extends RingNode<Call> {
  /** When it began to wait, on the clock. */
  readonly since: number;
  /** Milliseconds since then in which this process was stopped, and could not serve the call. */
  #forgiven = 0;
  /** Its position in the order of dials and calls. */
  readonly moment: number;
  readonly #context: AsyncResource;

  constructor(call: Call, since: number, moment: number) {
    super(call);
    this.since = since;
    this.moment = moment;
    this.#context = call.context ??= new AsyncResource('EVENKEEL_WAITER');
    call.startWaiting();
  }

  get call(): Call {
    return this.value;
  }

  /** How many milliseconds it has waited, without the time in which this process could not serve it. */
  waited(now: number): number {
    return now - this.since - this.#forgiven;
  }

  /** Takes `milliseconds` off its wait, but leaves a wait of at most `longest` minus a moment. */
  forgive(milliseconds: number, now: number, longest: number): void {
    this.#forgiven += Math.max(0, Math.min(milliseconds, this.waited(now) - longest + GRACE));
  }

  /** Calls `fn` in the context of the caller. */
  run(fn: (call: Call) => void): void {
    this.#context.runInAsyncScope(fn, undefined, this.value);
  }
}

/** The calls of a service that wait for a connection, first come, first served. */
export class WaitingLine {
  readonly #ring = new Ring<Call>();
  readonly #waiters = new Map<Call, Waiter>();
  readonly #demand: Demand;
  /** The last call that came back. */
  #back: Waiter | undefined;

  /** @param demand counts the calls that wait */
  constructor(demand: Demand) {
    this.#demand = demand;
  }

  get size(): number {
    return this.#waiters.size;
  }

  get first(): Waiter | undefined {
    return this.#ring.first as Waiter | undefined;
  }

  /** All waiting calls, in order. */
  *[Symbol.iterator](): Generator<Waiter> {
    yield* this.#waiters.values();
  }

  /**
   * Appends a call. With `back`, the call had its turn before: it goes right behind the calls that the service took
   * before it.
   */
  add(call: Call, now: number, moment: number, back: boolean): Waiter {
    const waiter = new Waiter(call, now, moment);
    this.#waiters.set(call, waiter);
    this.#demand.waiting++;
    if (back) this.#putBack(waiter);
    else this.#ring.append(waiter);
    return waiter;
  }

  #putBack(waiter: Waiter): void {
    // When many connections end at once, many calls come back, mostly in order. Then the place is right behind the last
    // one.
    const last = this.#back;
    let behind: RingNode<Call> | undefined;
    if (last !== undefined && !isLater(last.call, waiter.call)) behind = last;
    let next = behind === undefined ? this.#ring.first : this.#ring.after(behind);
    while (next !== undefined && !isLater(next.value, waiter.call)) {
      behind = next;
      next = this.#ring.after(next);
    }
    if (behind === undefined) this.#ring.prepend(waiter);
    else this.#ring.insert(waiter, behind);
    this.#back = waiter;
  }

  find(call: Call): Waiter | undefined {
    return this.#waiters.get(call);
  }

  has(call: Call): boolean {
    return this.#waiters.has(call);
  }

  /** Removes a call. Returns false if it wasn't waiting. */
  remove(call: Call): boolean {
    const waiter = this.#waiters.get(call);
    if (waiter === undefined) return false;
    this.#take(waiter);
    return true;
  }

  /** Removes the first call. */
  shift(): Waiter | undefined {
    const { first } = this;
    if (first !== undefined) this.#take(first);
    return first;
  }

  #take(waiter: Waiter): void {
    if (this.#back === waiter) this.#back = undefined;
    this.#waiters.delete(waiter.call);
    waiter.unlink();
    waiter.call.stopWaiting();
    this.#demand.waiting--;
  }
}

/** Whether a call was taken more than a tick after another one. */
function isLater(one: Call, other: Call): boolean {
  return ((one.takenAt - other.takenAt) | 0) > 0;
}
