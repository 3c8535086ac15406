import type { Clock, Timer } from '../../src/core/base/clock.ts';
import { type Actor, Agenda, Due } from './agenda.ts';
import { runMicrotasks } from './microtasks.ts';

/** So much may happen at one moment: more means that something goes round in circles. */
const MOST_AT_ONCE = 300_000;

/** Whole microseconds of so many milliseconds: sums of them are exact. */
export function micros(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1_000));
}

/** A timer of the core's. */
class ScheduledTimer implements Timer, Actor {
  readonly #time: VirtualTime;
  readonly #callback: () => void;
  readonly #due: Due;

  constructor(time: VirtualTime, delay: number, callback: () => void) {
    this.#time = time;
    this.#callback = callback;
    this.#due = time.timer(delay, this, 0);
    time.scheduled++;
  }

  cancel(): void {
    if (this.#due.index < 0) return;
    this.#time.scheduled--;
    this.#time.cancelTimer(this.#due);
  }

  happen(): void {
    this.#time.scheduled--;
    this.#callback();
  }
}

/**
 * Time that goes from one event to the next. There is one process that is looked at, and the world around it. The process
 * has an event loop as Node has it: timers that are due come first, then what has arrived at its sockets, then what
 * waits for the next turn; after each callback, all microtasks. The world goes on though the process stands still.
 */
export class VirtualTime implements Clock {
  /** Called after everything that has happened, once its microtasks have run. */
  afterEach: () => void = () => {};
  /** Events that have happened. */
  events = 0;
  /** Timers of the core's that have not come. */
  scheduled = 0;
  /** Nothing happens any more. */
  stopped = false;
  #now = 0;
  /** Events that had happened when it last went on. */
  #movedAt = 0;
  #order = 0;
  #stands = false;
  readonly #world = new Agenda();
  readonly #timers = new Agenda();
  readonly #arrivals = new Agenda();
  /** What waits for the next turn of the loop. */
  #turns: (() => void)[] = [];

  /** Milliseconds. */
  now(): number {
    return this.#now / 1_000;
  }

  /** Whole microseconds. */
  get micros(): number {
    return this.#now;
  }

  /** Timers are due that have not come: the process stood still. */
  get isLate(): boolean {
    return this.#timers.nextAt < this.#now;
  }

  schedule(callback: () => void, delay: number): Timer {
    // As Node has it: in whole milliseconds, of which none is too few, so that a timer may come a moment early.
    return new ScheduledTimer(this, micros(Math.max(1, Math.trunc(delay))), callback);
  }

  turn(callback: () => void): void {
    this.#turns.push(callback);
  }

  /** Something happens in the world, so many microseconds from now. */
  inWorld(delay: number, actor: Actor, what: number, data?: unknown): Due {
    return this.#enter(this.#world, delay, actor, what, data);
  }

  /** Something comes to the process, so many microseconds from now. */
  arrive(delay: number, actor: Actor, what: number, data?: unknown): Due {
    return this.#enter(this.#arrivals, delay, actor, what, data);
  }

  /** A timer of the process that is none of the core's. */
  timer(delay: number, actor: Actor, what: number, data?: unknown): Due {
    return this.#enter(this.#timers, delay, actor, what, data);
  }

  #enter(agenda: Agenda, delay: number, actor: Actor, what: number, data: unknown): Due {
    const due = new Due(this.#now + delay, this.#order++, actor, what, data);
    agenda.add(due);
    return due;
  }

  /** Takes something back that has not happened. */
  cancelArrival(due: Due): void {
    this.#arrivals.remove(due);
  }

  cancelTimer(due: Due): void {
    this.#timers.remove(due);
  }

  cancelInWorld(due: Due): void {
    this.#world.remove(due);
  }

  /** Lets everything happen that is due until then, in microseconds. */
  run(end: number): void {
    while (!this.stopped) {
      if (this.#world.nextAt <= this.#now) this.#take(this.#world);
      else if (this.#timers.nextAt <= this.#now) this.#take(this.#timers);
      else if (this.#arrivals.nextAt <= this.#now) this.#take(this.#arrivals);
      else if (this.#turns.length > 0) this.#turnOver();
      else {
        const next = Math.min(this.#world.nextAt, this.#timers.nextAt, this.#arrivals.nextAt);
        if (next > end) break;
        this.#now = next;
        this.#movedAt = this.events;
      }
      if (this.events - this.#movedAt > MOST_AT_ONCE)
        throw new Error('time does not go on: something goes round in circles');
    }
    this.#now = Math.max(this.#now, end);
  }

  /** The process stands still for so many microseconds, and the world does not. */
  standStill(duration: number): void {
    const end = this.#now + duration;
    this.#stands = true;
    while (this.#world.nextAt <= end) {
      this.#now = this.#world.nextAt;
      this.#take(this.#world);
    }
    this.#now = end;
    this.#movedAt = this.events;
    this.#stands = false;
  }

  /** The clock jumps: all that is to come in the world comes as much later, and timers are late. */
  jump(duration: number): void {
    this.#now += duration;
    this.#world.delay(duration);
    this.#arrivals.delay(duration);
  }

  #take(agenda: Agenda): void {
    const due = agenda.first!;
    agenda.remove(due);
    due.actor.happen(due.what, due.data);
    this.#settle();
  }

  #turnOver(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const callback of turns) {
      callback();
      this.#settle();
    }
  }

  #settle(): void {
    this.events++;
    // While the process stands still, nothing of it runs.
    if (this.#stands) return;
    runMicrotasks();
    this.afterEach();
  }
}
