import { UnresponsiveError } from '../../src/core/base/errors.ts';
import { portsOf } from '../../src/core/connections/unacknowledged.ts';
import type { Carried, WireEvents } from '../../src/core/connections/wire.ts';
import type { ColdStart, ColdWire } from '../../src/transports/connect/cold-start.ts';
import type { Actor, Due } from './agenda.ts';
import type { SimulatedCall } from './call.ts';
import type { PlayedWire, Reply } from './played.ts';
import type { SimulatedPod } from './pod.ts';
import { micros } from './time.ts';
import { failure, type World } from './world.ts';

// What happens to a wire, and to what it carries.
const REACHES_POD = 0;
const HEAD = 1;
const END = 2;
const BREAKS = 3;
const REFUSED = 4;
const GOES_AWAY = 5;
const SETTINGS = 6;
const IDLE = 7;
const PEER_IDLE = 8;
const CLOSES_HERE = 9;
const BREAKS_CALL = 10;
const SILENT_HELLO = 11;
const SETTLED = 12;
const STOOD = 13;

/** What undici takes off what a peer says, for the way. */
const KEEP_ALIVE_SLACK = 2_000;
const LONGEST_KEEP_ALIVE = 600_000;
/** Milliseconds that a pod waits for the first request. */
const UNUSED = 60_000;
/** Microseconds that it must have been idle to be given a call whose last connection ended just as that was sent. */
const SETTLING = 10_000;
/** Microseconds for which a kernel sends again before that shows. */
const SHOWS_AFTER = 3_000_000;

/** A connection to a pod, from both ends: undici's Client on a socket, and what its kernel and the pod make of it. */
export class SimulatedWire implements ColdWire, PlayedWire, Actor {
  readonly id: number;
  readonly multiplexed: boolean;
  readonly pod: SimulatedPod;
  /** The pod as it was when this was made: one that was restarted knows nothing of it. */
  readonly generation: number;
  /** When it was made, in microseconds, and the calls that it was given. */
  readonly bornAt: number;
  sent = 0;
  bytesRead = 0;
  opening: boolean;
  /** Node knows that its socket is gone. */
  broken = false;
  parked = false;
  /** The core has closed it, or destroyed it. */
  closed = false;
  /** Its pod has closed it. */
  peerClosed = false;
  /** It was reset, and Node doesn't know. */
  lost = false;
  /** Since when something that was sent is not acknowledged, in microseconds; -1: all is. */
  unackedSince = -1;
  /** Calls that were sent and have not come to the pod. */
  readonly undelivered = new Set<SimulatedCall>();
  readonly carriedCalls = new Set<SimulatedCall>();
  /** Those of them that are to be written in the next turn. */
  readonly #unwritten = new Set<SimulatedCall>();
  #events: WireEvents | undefined = undefined;
  readonly #world: World;
  /** Of a session of connect-node. */
  readonly #coldStart: ColdStart | undefined;
  /** Milliseconds that it may be idle. */
  #keepAlive: number;
  #usedAt: number;
  #idle: Due | undefined = undefined;
  #peerIdle: Due | undefined = undefined;
  #hello: Due | undefined = undefined;
  /** HTTP/1.1: what it has become, while that is open. The core is done with it then. */
  #socket: SimulatedCall | undefined = undefined;
  #goneAway = false;

  constructor(
    world: World,
    pod: SimulatedPod,
    multiplexed: boolean,
    keepAlive: number,
    coldStart?: ColdStart,
  ) {
    this.id = world.wiresMade++;
    this.#world = world;
    this.pod = pod;
    this.generation = pod.generation;
    this.multiplexed = multiplexed;
    this.opening = multiplexed;
    this.#coldStart = coldStart;
    this.bornAt = world.time.micros;
    this.#usedAt = this.bornAt;
    this.#keepAlive = keepAlive;
    world.wires.add(this);
    pod.wires.add(this);
    this.#note('opens');
    // A session of connect-node is there when its peer has said that.
    if (!multiplexed || coldStart !== undefined) return;
    const { settingsAfter } = pod.plan;
    if (settingsAfter === 'never') this.#hello = world.time.timer(micros(10_000), this, SILENT_HELLO);
    else world.time.arrive(micros(settingsAfter) + 1, this, SETTINGS);
  }

  get full(): boolean {
    if (!this.multiplexed) return false;
    const most = this.#coldStart === undefined ? 1 : 0;
    return this.carriedCalls.size >= (this.opening ? most : this.pod.plan.streams);
  }

  begin(): void {
    this.opening = false;
  }

  tellRoom(wakes: boolean): void {
    this.#events?.onRoomChanged(wakes);
  }

  /** Its pod has said that it takes no more on it. */
  get hasGoneAway(): boolean {
    return this.#goneAway;
  }

  get ports(): string {
    return portsOf(this.id, 80);
  }

  get carried(): Iterable<Carried> {
    return this.multiplexed ? [...this.carriedCalls].filter(({ socketOpen }) => !socketOpen) : [];
  }

  open(events: WireEvents): void {
    this.#events = events;
    // What was never used is closed by its peer all the same.
    this.#awaitPeerIdle();
  }

  park(): boolean {
    this.parked = this.sent === 0;
    return this.parked;
  }

  send(attempt: Carried): void {
    this.#world.watch.onGiven(attempt as SimulatedCall, this);
    this.#give(attempt as SimulatedCall);
  }

  #give(call: SimulatedCall): void {
    const { time } = this.#world;
    const left = call.hasCrossed && this.sent > 0 ? this.#usedAt + SETTLING - time.micros : 0;
    if (left <= 0) {
      this.#write(call);
      return;
    }
    this.#hold(call);
    time.timer(left, this, SETTLED, call);
  }

  /** A call is written later. */
  #hold(call: SimulatedCall): void {
    this.carriedCalls.add(call);
    this.#unwritten.add(call);
  }

  #giveHeld(call: SimulatedCall): void {
    if (!this.#unwritten.delete(call)) return;
    this.carriedCalls.delete(call);
    if (this.broken) call.onUnsent();
    else this.#give(call);
  }

  #write(call: SimulatedCall): void {
    const { time, watch, trace } = this.#world;
    this.parked = false;
    this.sent++;
    call.sent++;
    call.wire = this;
    call.begun = false;
    call.reply = undefined;
    call.writtenAt = time.micros;
    this.carriedCalls.add(call);
    if (trace.notes) trace.note(time.micros, 'sent', call.id, this.id, this.pod.id);
    watch.onSent(call, this);
    if (this.multiplexed && this.full) this.#events!.onRoomChanged(false);
    this.undelivered.add(call);
    if (this.pod.isCutOff) this.unackedSince = this.unackedSince < 0 ? time.micros : this.unackedSince;
    time.inWorld(this.pod.network, this, REACHES_POD, call);
  }

  sendNextTurn(attempt: Carried, delay: number): void {
    // What was never used can't have been closed for having been idle.
    if (this.multiplexed || this.sent === 0) {
      this.send(attempt);
      return;
    }
    const call = attempt as SimulatedCall;
    this.#world.watch.onGiven(call, this);
    this.#hold(call);
    if (delay > 0) this.#world.time.timer(micros(delay), this, STOOD, call);
    else this.#giveNextTurn(call);
  }

  #giveNextTurn(call: SimulatedCall): void {
    this.#world.time.turn(() => this.#giveHeld(call));
  }

  /** Takes a call off it, of which nothing more comes. False if it isn't carried. */
  drop(call: SimulatedCall): boolean {
    if (call.due !== undefined) this.#world.time.cancelArrival(call.due);
    call.due = undefined;
    this.undelivered.delete(call);
    this.#unwritten.delete(call);
    if (!this.carriedCalls.delete(call)) return false;
    if (this.carriedCalls.size === 0 && !this.broken && !this.closed) this.#awaitIdle();
    return true;
  }

  /** Its caller gives a call up: over HTTP/1.1, the socket is of no use any more. */
  give(call: SimulatedCall): void {
    this.drop(call);
    if (this.multiplexed) return;
    this.broken = true;
    this.#hangUp();
  }

  happen(what: number, data: unknown): void {
    const call = data as SimulatedCall;
    switch (what) {
      case REACHES_POD:
        this.#reach(call);
        break;
      case HEAD:
        this.#onHead(call);
        break;
      case END:
        this.#onEnd(call);
        break;
      case BREAKS:
        this.#onBroken();
        break;
      case BREAKS_CALL:
        call.due = undefined;
        if (this.drop(call)) call.onBroken(failure('ECONNRESET'));
        break;
      case REFUSED:
        call.due = undefined;
        if (this.drop(call)) call.onRefused('refused');
        break;
      case GOES_AWAY:
        this.#onGoneAway();
        break;
      case SETTINGS:
        this.#onSettings();
        break;
      case IDLE:
        this.#onIdle();
        break;
      case PEER_IDLE:
        this.#onPeerIdle();
        break;
      case CLOSES_HERE:
        this.#events?.onClosed();
        break;
      case SILENT_HELLO:
        this.#onSilentHello();
        break;
      case SETTLED:
        this.#giveHeld(call);
        break;
      case STOOD:
        this.#giveNextTurn(call);
        break;
    }
  }

  // What the pod does

  /** A call has come to the pod's end. */
  #reach(call: SimulatedCall): void {
    if (!this.undelivered.has(call) || this.peerClosed) return;
    const { pod } = this;
    if (pod.isCutOff) return;
    // It is given back.
    if (this.#goneAway) return;
    this.undelivered.delete(call);
    pod.take(call, this);
  }

  /** The pod is to be reached again: what was sent over and over comes. */
  redeliver(): void {
    this.unackedSince = -1;
    for (const call of this.undelivered) this.#world.time.inWorld(this.pod.network, this, REACHES_POD, call);
  }

  /** The head of a response comes, so many microseconds from now. */
  answer(call: SimulatedCall, reply: Reply, after: number): void {
    call.reply = reply;
    call.due = this.#world.time.arrive(after, this, HEAD, call);
  }

  refuse(call: SimulatedCall, after: number): void {
    call.due = this.#world.time.arrive(after, this, REFUSED, call);
  }

  resetStream(call: SimulatedCall, after: number): void {
    call.due = this.#world.time.arrive(after, this, BREAKS_CALL, call);
  }

  /** The pod closes it, or resets it: that comes here so many microseconds from now. */
  breakFromPeer(after: number): void {
    if (this.peerClosed) return;
    this.peerClosed = true;
    this.pod.wires.delete(this);
    this.#note('peer closes');
    if (this.closed && this.#socket === undefined) this.#leave();
    else if (this.pod.isCutOff) this.pod.unheard.push(this);
    else this.hearEnd(after);
  }

  /** That comes here so many microseconds from now. */
  hearEnd(after: number): void {
    this.#world.time.arrive(after, this, BREAKS);
  }

  /** The pod takes no more on it, and gives back what has not come to it yet, and a call that it does not look at. */
  goAwayFromPeer(after: number, call?: SimulatedCall): void {
    if (call !== undefined) this.undelivered.add(call);
    if (this.peerClosed || this.#goneAway) return;
    this.#goneAway = true;
    this.#world.time.arrive(after, this, GOES_AWAY);
  }

  /** Its socket is reset, and Node doesn't hear of it. */
  loseFromPeer(): void {
    this.lost = true;
    this.peerClosed = true;
    this.pod.wires.delete(this);
    for (const call of this.carriedCalls) {
      if (call.due !== undefined) this.#world.time.cancelArrival(call.due);
      call.due = undefined;
    }
  }

  /** A client that hears nothing gives up in the end, though nobody has told it that its socket is lost. */
  giveUp(): void {
    if (!this.lost || this.broken || this.closed) return;
    this.lost = false;
    this.hearEnd(0);
  }

  /** Nothing that the pod has yet to say comes, for now. Says what is left of it, in microseconds, for each call. */
  *holdBack(): Generator<[call: SimulatedCall, what: number, left: number]> {
    const { time } = this.#world;
    for (const call of this.carriedCalls) {
      const { due } = call;
      if (call.socketOpen || due === undefined || due.at <= time.micros + this.pod.network) continue;
      time.cancelArrival(due);
      call.due = undefined;
      yield [call, due.what, due.at - time.micros];
    }
  }

  /** What was held back comes after all. */
  resume(call: SimulatedCall, what: number, left: number): void {
    if (this.carriedCalls.has(call)) call.due = this.#world.time.arrive(left, this, what, call);
  }

  // What comes here

  #onHead(call: SimulatedCall): void {
    call.due = undefined;
    const reply = call.reply!;
    const { hint } = this.pod.plan;
    this.bytesRead++;
    if (hint !== undefined) {
      this.#keepAlive = Math.min(hint - KEEP_ALIVE_SLACK, LONGEST_KEEP_ALIVE);
    }
    if (call.upgrades && reply.status === 200) {
      this.#upgrade(call, reply);
      return;
    }
    call.onHead(reply, this.#keepAlive);
    // The caller may have ended it.
    if (!this.carriedCalls.has(call)) return;
    if (reply.lasts === 0) this.#onEnd(call);
    else call.due = this.#world.time.arrive(reply.lasts, this, END, call);
  }

  #upgrade(call: SimulatedCall, reply: Reply): void {
    if (!this.multiplexed) {
      this.drop(call);
      this.broken = true;
      this.#socket = call;
    }
    call.onUpgraded(Math.max(reply.lasts, 1_000));
  }

  /** The socket that a call has become is closed. */
  dropSocket(call: SimulatedCall): void {
    const wasFull = this.full;
    this.drop(call);
    // The core knows nothing of it any more, so that room comes of itself.
    if (wasFull && !this.full && !this.broken && !this.closed) this.#events!.onRoomChanged(true);
    if (this.#socket === undefined) return;
    this.#socket = undefined;
    this.#hangUp();
  }

  #onEnd(call: SimulatedCall): void {
    call.due = undefined;
    const { lastReaction } = this.pod;
    this.drop(call);
    this.bytesRead++;
    call.onEnd();
    if (this.closed || this.broken || this.carriedCalls.size > 0) return;
    if (lastReaction === 'answer-close' || this.#keepAlive <= 0) this.#end('idle');
  }

  #awaitIdle(): void {
    this.#usedAt = this.#world.time.micros;
    this.#idle ??= this.#world.time.timer(micros(this.#keepAlive), this, IDLE);
    this.#awaitPeerIdle();
  }

  #awaitPeerIdle(): void {
    const { keepAlive } = this.pod.plan;
    if (keepAlive > 0) this.#peerIdle ??= this.#world.time.inWorld(micros(keepAlive), this, PEER_IDLE);
  }

  /** Here, idle for as long as it may be: looked at now and then, rather than each time it is used. */
  #onIdle(): void {
    this.#idle = undefined;
    if (this.closed || this.broken || this.carriedCalls.size > 0) return;
    const left = this.#usedAt + micros(this.#keepAlive) - this.#world.time.micros;
    if (left > 0) this.#idle = this.#world.time.timer(left, this, IDLE);
    else this.#end('idle');
  }

  /** The same for its pod. */
  #onPeerIdle(): void {
    this.#peerIdle = undefined;
    if (this.peerClosed || this.closed || this.pod.isFrozen || this.pod.isCutOff) return;
    const { time } = this.#world;
    const patience = this.sent > 0 ? this.pod.plan.keepAlive : Math.max(this.pod.plan.keepAlive, UNUSED);
    const left = this.#usedAt + micros(patience) - time.micros;
    // It is asked again when it is idle.
    if (this.#isUsedForPeer) return;
    if (left > 0) this.#peerIdle = time.inWorld(left, this, PEER_IDLE);
    else this.breakFromPeer(this.pod.network);
  }

  /** Whether its pod takes it for one in use. */
  get #isUsedForPeer(): boolean {
    if (!this.#world.crosses) return this.undelivered.size + this.carriedCalls.size > 0;
    return this.carriedCalls.size > this.undelivered.size;
  }

  #onSettings(): void {
    if (this.broken || this.lost) return;
    const wasFull = this.full;
    this.opening = false;
    this.bytesRead++;
    this.#events!.onRoomChanged(wasFull && !this.full);
  }

  #onSilentHello(): void {
    this.#hello = undefined;
    if (this.broken || this.closed) return;
    if (this.carriedCalls.size > 0) this.#events!.retire('error');
    else this.#events!.destroy(new UnresponsiveError('no SETTINGS came'));
  }

  /** The end that its pod has put to it is known to Node. */
  #onBroken(): void {
    this.#socket?.closeSocket();
    if (this.broken || this.lost) return;
    this.broken = true;
    this.#coldStart?.onClosed(this);
    for (const call of [...this.carriedCalls]) {
      const isUnwritten = this.#unwritten.has(call);
      if (!this.drop(call)) continue;
      if (isUnwritten) call.onUnsent();
      else call.onBroken(failure('ECONNRESET'));
    }
    this.#events!.retire('closed-by-peer');
  }

  #onGoneAway(): void {
    if (this.broken || this.closed) return;
    this.#events!.retire('closed-by-peer');
    for (const call of [...this.undelivered]) if (this.drop(call)) call.onRefused('gone-away');
  }

  /** undici's Client ends it of its own. */
  #end(reason: 'idle'): void {
    this.broken = true;
    this.#events!.retire(reason);
  }

  // What the core does

  release(attempt: Carried): void {
    this.drop(attempt as SimulatedCall);
  }

  keep(): void {}

  askKernel(urgent: boolean): void {
    const { time } = this.#world;
    if (urgent && this.pod.isCutOff && this.unackedSince < 0) this.unackedSince = time.micros;
  }

  /** What its kernel says of what was sent; `undefined`: nothing, for it knows nothing of it. */
  get isUnacknowledged(): boolean | undefined {
    if (this.lost || this.broken) return undefined;
    return this.unackedSince >= 0 && this.#world.time.micros - this.unackedSince >= SHOWS_AFTER;
  }

  lose(): void {
    this.#events?.destroy(failure('ECONNRESET'));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.broken = true;
    this.#note('closed');
    this.#coldStart?.onClosed(this);
    this.#cancel();
    if (this.#socket === undefined) this.#hangUp();
    this.#world.time.arrive(0, this, CLOSES_HERE);
  }

  destroy(error: Error): void {
    for (const call of this.carriedCalls) this.#world.watch.onCut(call, this, error);
    this.broken = true;
    for (const call of [...this.carriedCalls]) {
      if (this.drop(call)) call.onCut(error);
    }
    this.close();
  }

  cut(error: Error): void {
    for (const call of [...this.carriedCalls]) {
      if (call.streaming || call.socketOpen) continue;
      this.#world.watch.onCut(call, this, error);
      if (this.drop(call)) call.onCut(error);
    }
  }

  /** The pod learns that it is over. */
  #hangUp(): void {
    this.pod.wires.delete(this);
    this.peerClosed = true;
    if (this.closed) this.#leave();
  }

  #leave(): void {
    this.#world.wires.delete(this);
  }

  #cancel(): void {
    const { time } = this.#world;
    if (this.#idle !== undefined) time.cancelTimer(this.#idle);
    if (this.#hello !== undefined) time.cancelTimer(this.#hello);
    if (this.#peerIdle !== undefined) time.cancelInWorld(this.#peerIdle);
  }

  #note(fact: Parameters<World['trace']['note']>[1], more = ''): void {
    const { trace, time } = this.#world;
    if (trace.notes) trace.note(time.micros, fact, -1, this.id, this.pod.id, more);
  }
}
