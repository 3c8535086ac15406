import type { Timer } from '../base/clock.ts';
import type { Pod } from '../connections/connection.ts';

/** So many keys are enough to find out whether it is they. */
const MOST_KEYS = 8;

/** The time in which an endpoint serves nothing, since a request to it was given up. */
export class Silence {
  readonly endpoint: Pod;
  /** When the first request was sent that counts, on the clock. */
  since: number;
  /** When the last one was given up. */
  lastAt = Number.NEGATIVE_INFINITY;
  /** Which share of the endpoint's requests callers give up for reasons of their own, from 0 to 1. */
  habit: number;
  /** How many requests were given up. */
  run = 0;
  /** How many of them count as load. */
  held = 0;
  /** Until when all of them do, on the clock; and for how many milliseconds the last one does. */
  until = 0;
  duration = 0;
  /** How many of them no longer count after that. */
  step = 1;
  /** Whether health spares the endpoint. */
  spared = false;
  timer: Timer | undefined = undefined;
  /** The keys of requests that were given up; not all of them. */
  readonly keys: number[] = [];
  /** How many requests had no key. */
  keyless = 0;
  /** How many of the keys were given up elsewhere too. */
  excused = 0;
  /** How many requests the endpoint had got when it last served one. */
  readonly #base: number;

  constructor(endpoint: Pod, since: number, habit: number) {
    this.endpoint = endpoint;
    this.since = since;
    this.habit = habit;
    this.#base = baseOf(endpoint);
  }

  /** Whether the endpoint has answered a request, or has left. */
  get isOver(): boolean {
    const { isDraining, health } = this.endpoint;
    if (isDraining || this.#base !== baseOf(this.endpoint)) return true;
    return this.spared && health?.silence === undefined;
  }

  /** Whether something ends by itself. An endpoint that is asked gets a request some time. */
  get isWatched(): boolean {
    return this.held > 0 || (this.spared && this.endpoint.health?.silence === 'resting');
  }

  /** A request was given up. @param key the hash of its key; -1 for none */
  count(key: number): void {
    this.run++;
    if (key < 0) this.keyless++;
    else if (this.keys.length < MOST_KEYS && !this.keys.includes(key)) this.keys.push(key);
  }

  /** Whether most requests would have been given up anywhere. */
  get isExcused(): boolean {
    return this.excused * 2 > this.keys.length + this.keyless;
  }

  /** They would. So it takes far more of them to say anything. */
  excuse(): void {
    this.habit = (1 + this.habit) / 2;
    this.keys.length = 0;
    this.keyless = 0;
    this.excused = 0;
  }

  /** Other endpoints don't answer either. A request that was sent at `sentAt` is the first one that counts. */
  restart(sentAt: number): void {
    this.since = sentAt;
    this.release(this.held);
  }

  /** All of them count as load, for so many milliseconds from now. */
  pause(now: number, duration: number): void {
    this.duration = duration;
    this.until = now + duration;
    this.step = 1;
  }

  /** Some of them no longer count as load. */
  release(count: number): void {
    for (let n = Math.min(count, this.held); n > 0; n--) {
      this.held--;
      this.endpoint.unhold();
    }
  }
}

function baseOf({ requests, unanswered }: Pod): number {
  return requests - unanswered;
}
