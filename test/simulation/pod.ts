import type { Actor } from './agenda.ts';
import type { Headers, PlayedCall, PlayedWire, Reply } from './played.ts';
import { NO_HEADERS } from './played.ts';
import type { PodPlan, Reaction } from './scenario.ts';
import { micros } from './time.ts';
import type { World } from './world.ts';

/** Microseconds for which a stream of events lasts, and an upgraded socket, at most. */
/** Microseconds after a response by which a connection ends that is not kept. */
const LATEST_END = 8_000;
const LONGEST_STREAM = 3_000_000;
/** Microseconds after which it gives up what it hangs on. */
const GIVES_UP_AFTER = 20_000_000;
/** Microseconds for which what waits for its workers may have to wait. */
const LONGEST_BACKLOG = 10_000_000;
/** Times as slow as usual. */
const SLOW = 10;
/** The share of answers that take a while from their head to their end. */
const LONG_ANSWERS = 0.1;

const EVENTS: Headers = { 'content-type': 'text/event-stream' };
const LATER: Headers = { 'retry-after': '1' };

/** A dial that waits for a pod to go on. */
export interface Held {
  accept(): void;
}

/** The other end of wires: does what its plan says, and what happens to it. */
export class SimulatedPod implements Actor {
  readonly id: number;
  readonly plan: PodPlan;
  /** Microseconds to it, and for its work. */
  readonly network: number;
  readonly #work: number;
  readonly #world: World;
  /** Wires of which it has its end. */
  readonly wires = new Set<PlayedWire>();
  /** Wires that it has closed, of which this process could not hear. */
  readonly unheard: PlayedWire[] = [];
  /** Restarted so many times. */
  generation = 0;
  isUp = true;
  isFrozen = false;
  isCutOff = false;
  /** It does what it is asked for from now on, and is quick about it. */
  isRelieved = false;
  /** What becomes of dials. */
  dials: 'taken' | 'refused' | 'ignored' = 'taken';
  /** What it does with all calls; none: what its plan says. */
  reaction: Reaction | undefined = undefined;
  lastReaction: Reaction = 'answer';
  /** Calls that it had, and microseconds of work in all. */
  calls = 0;
  busy = 0;
  /** When each of its workers is free, in microseconds. */
  readonly #freeAt: Float64Array;
  /** What waits for it to go on. */
  readonly #held: [wire: PlayedWire, call: PlayedCall, what: number, left: number][] = [];
  readonly #arrived: [call: PlayedCall, wire: PlayedWire][] = [];
  readonly #heldDials: Held[] = [];
  readonly #name: string;
  /** What it answers to most calls. */
  #plain: Reply;

  constructor(world: World, id: number, plan: PodPlan) {
    this.#world = world;
    this.id = id;
    this.plan = plan;
    this.network = micros(plan.network);
    this.#work = micros(plan.work);
    this.#freeAt = new Float64Array(plan.workers);
    this.#name = plan.lies === 'as others' ? 'proxy' : `pod-${id}`;
    this.#plain = { status: 200, headers: this.#named, lasts: 0 };
  }

  get address(): string {
    return addressOf(this.id);
  }

  /** Whether it would answer a call now. */
  get isWell(): boolean {
    return (
      this.isUp && !this.isFrozen && !this.isCutOff && this.dials === 'taken' && this.reaction === undefined
    );
  }

  /** It gives up what it hangs on. */
  happen(_what: number, data: unknown): void {
    const [call, wire, sent] = data as [PlayedCall, PlayedWire, number];
    if (call.sent !== sent || !wire.carriedCalls.has(call) || wire.peerClosed) return;
    if (this.isFrozen || this.isCutOff) this.#world.time.inWorld(GIVES_UP_AFTER, this, 0, data);
    else if (wire.multiplexed) wire.resetStream(call, this.network);
    else wire.breakFromPeer(this.network);
  }

  /** A call has come. */
  take(call: PlayedCall, wire: PlayedWire): void {
    if (this.isFrozen) this.#arrived.push([call, wire]);
    else this.#react(call, wire);
  }

  #react(call: PlayedCall, wire: PlayedWire): void {
    const { seed, draws, trace, time } = this.#world;
    draws.about(seed, call.id, call.sent);
    const { plan } = this;
    let { reaction } = this;
    reaction ??=
      plan.faults > 0 && draws.next() < plan.faults
        ? plan.reactions[draws.below(plan.reactions.length)]!
        : 'answer';
    if (this.#isOverloaded) reaction = '503';
    if (this.isRelieved) reaction = 'answer';
    this.lastReaction = reaction;
    if (trace.notes)
      trace.note(time.micros, 'reached', call.id, wire.id, this.id, reaction === 'answer' ? '' : reaction);
    if (reaction === 'refuse' && wire.multiplexed) {
      wire.refuse(call, this.network);
      return;
    }
    // What it had when it said so, it serves.
    if (reaction === 'go-away' && wire.multiplexed && !wire.hasGoneAway) {
      wire.goAwayFromPeer(this.network, call);
      return;
    }
    call.executed++;
    this.calls++;
    this.#world.watch.onExecuted(call);
    const after = this.#serve(reaction) + this.network;
    switch (reaction) {
      case 'hang':
        this.#world.time.inWorld(GIVES_UP_AFTER, this, 0, [call, wire, call.sent]);
        return;
      case 'break':
        wire.breakFromPeer(after);
        return;
      case 'reset-stream':
        if (wire.multiplexed) wire.resetStream(call, after);
        else wire.breakFromPeer(after);
        return;
      case 'break-begun':
        wire.answer(call, { status: 200, headers: this.#named, lasts: LONGEST_STREAM }, after);
        wire.breakFromPeer(after + 1);
        return;
      case 'answer-end':
        wire.answer(call, this.#answer, after);
        wire.breakFromPeer(after + this.#world.draws.below(LATEST_END));
        return;
      default:
        wire.answer(call, this.#replyTo(call, reaction), after);
    }
  }

  #replyTo(call: PlayedCall, reaction: Reaction): Reply {
    const { draws } = this.#world;
    switch (reaction) {
      case '500':
        return { status: 500, headers: this.#named, lasts: 0 };
      case '503':
        return { status: 503, headers: this.#named, lasts: 0 };
      case '503-later':
        return { status: 503, headers: LATER, lasts: 0 };
      case '429-later':
        return { status: 429, headers: LATER, lasts: 0 };
      default: {
        const longest = this.isRelieved ? 1_000 : LONGEST_STREAM;
        if (call.upgrades) return { status: 200, headers: this.#named, lasts: draws.below(longest) };
        if (call.lasting) return { status: 200, headers: EVENTS, lasts: draws.below(longest) };
        const isLong = draws.next() < LONG_ANSWERS;
        return isLong
          ? { status: 200, headers: this.#named, lasts: draws.below(3 * this.#work + 2) }
          : this.#answer;
      }
    }
  }

  get #answer(): Reply {
    if (this.plan.lies === 'each time') this.#plain = { status: 200, headers: this.#named, lasts: 0 };
    return this.#plain;
  }

  /** It says its name, in which it may lie. */
  get #named(): Headers {
    if (!this.plan.named) return NO_HEADERS;
    return { 'evenkeel-pod': this.plan.lies === 'each time' ? `${this.#name} ${this.calls}` : this.#name };
  }

  /** Microseconds until a call of that number is answered, for those whose wires are none of the simulation's; -1: it is refused. */
  answerAfter(call: number): number {
    const { seed, draws } = this.#world;
    draws.about(seed, call, 1);
    this.calls++;
    return this.#isOverloaded ? -1 : this.#serve('answer');
  }

  /** Microseconds of work that are done by now, of what it was asked for; it has one worker. */
  get done(): number {
    return this.busy - Math.max(0, this.#freeAt[0]! - this.#world.time.micros);
  }

  /** So much waits for its workers that it takes no more. */
  get #isOverloaded(): boolean {
    const free = this.#freeAt;
    if (free.length === 0) return false;
    for (const at of free) if (at - this.#world.time.micros < LONGEST_BACKLOG) return false;
    return true;
  }

  /** Microseconds until it is done, with what waits before. */
  #serve(reaction: Reaction): number {
    const { draws, time } = this.#world;
    const usual = this.plan.even ? this.#work : Math.round(draws.exponential(this.#work));
    if (this.isRelieved) return 1;
    const work = reaction === '503' ? 0 : reaction === 'slow' ? usual * SLOW : usual;
    this.busy += work;
    const free = this.#freeAt;
    if (free.length === 0) return work;
    let first = 0;
    for (let n = 1; n < free.length; n++) if (free[n]! < free[first]!) first = n;
    const end = Math.max(free[first]!, time.micros) + work;
    free[first] = end;
    return end - time.micros;
  }

  // What happens to it

  die(): void {
    this.isUp = false;
    this.generation++;
    this.thaw();
    for (const wire of [...this.wires]) wire.breakFromPeer(this.network);
    this.#freeAt.fill(0);
  }

  revive(): void {
    this.isUp = true;
    this.dials = 'taken';
    this.reaction = undefined;
  }

  freeze(): void {
    if (this.isFrozen || !this.isUp) return;
    this.isFrozen = true;
    this.#holdBack();
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    if (!this.isCutOff) this.#goOn();
    for (const [call, wire] of this.#arrived.splice(0))
      if (wire.carriedCalls.has(call) && !wire.peerClosed) this.#react(call, wire);
    for (const dial of this.#heldDials.splice(0)) dial.accept();
  }

  cutOff(): void {
    if (this.isCutOff) return;
    this.isCutOff = true;
    this.#holdBack();
    for (const wire of this.wires) if (wire.undelivered.size > 0) wire.unackedSince = this.#world.time.micros;
  }

  reconnect(): void {
    if (!this.isCutOff) return;
    this.isCutOff = false;
    if (!this.isFrozen) this.#goOn();
    // Those that it has ended included, whose end is still on its way.
    for (const wire of [...this.#world.wires]) if (wire.pod === this) wire.redeliver();
    for (const wire of this.unheard.splice(0)) wire.hearEnd(this.network);
  }

  /** A dial waits until it goes on. */
  hold(dial: Held): void {
    this.#heldDials.push(dial);
  }

  goAway(): void {
    for (const wire of [...this.wires]) {
      if (wire.multiplexed) wire.goAwayFromPeer(this.network);
      else if (wire.carriedCalls.size + wire.undelivered.size === 0) wire.breakFromPeer(this.network);
    }
  }

  lose(): void {
    for (const wire of [...this.wires]) if (wire.multiplexed) wire.loseFromPeer();
  }

  #holdBack(): void {
    for (const wire of this.wires)
      for (const [call, what, left] of wire.holdBack()) this.#held.push([wire, call, what, left]);
  }

  #goOn(): void {
    for (const [wire, call, what, left] of this.#held.splice(0)) wire.resume(call, what, left);
  }
}

export function addressOf(id: number): string {
  return `10.0.${id >> 8}.${id & 255}`;
}
