import { STATUS_CODES } from 'node:http';
import { portsOf } from '../../../src/core/connections/unacknowledged.ts';
import type { Actor, Due } from '../agenda.ts';
import type { PlayedCall, PlayedWire, Reply } from '../played.ts';
import type { SimulatedPod } from '../pod.ts';
import { micros } from '../time.ts';
import { failure, type World } from '../world.ts';
import type { MemorySocket } from './memory-socket.ts';
import type { RequestCall } from './request-call.ts';
import { type RequestListener, RequestReader } from './request-reader.ts';

const REACHES_POD = 0;
const HEAD = 1;
const END = 2;
const BREAKS = 3;
const PEER_IDLE = 4;
const CONTINUES = 5;
const CHECKED = 6;
const BEGINS = 7;
const SAYS_WHY = 8;

/** Milliseconds that a pod waits for the first request. */
const UNUSED = 60_000;
/** Microseconds for which a kernel sends again before that shows. */
const SHOWS_AFTER = 3_000_000;
/** The shares of requests that are answered before their body has come, and of answers after a 103. */
const EARLY = 0.2;
const HINTED = 0.05;
/** The share of idle connections whose pod says something as it ends them. */
const EXPLAINED = 0.2;
/** The share of connections that end with a reset, rather than with a FIN. */
const RESETS = 0.5;

/** The request that a wire carries, by the number in its path; none: it is a health check. */
export type CallOf = (id: number) => RequestCall | undefined;

/** A connection for requests of node:http: what the pod at its other end makes of the bytes, and what it sends. */
export class SocketWire implements PlayedWire, Actor, RequestListener {
  readonly id: number;
  readonly multiplexed = false;
  readonly opening = false;
  readonly lost = false;
  readonly hasGoneAway = false;
  readonly pod: SimulatedPod;
  readonly bornAt: number;
  sent = 0;
  broken = false;
  closed = false;
  peerClosed = false;
  unackedSince = -1;
  readonly undelivered = new Set<RequestCall>();
  readonly carriedCalls = new Set<RequestCall>();
  readonly #world: World;
  readonly #callOf: CallOf;
  readonly #reader = new RequestReader(this);
  #socket: MemorySocket | undefined = undefined;
  /** The call whose request is read now, and whether its pod has it already. */
  #current: RequestCall | undefined = undefined;
  #isEarly = false;
  /** The call that its pod has and has not answered to the end. */
  #atPod: RequestCall | undefined = undefined;
  /** Whether its pod closes it after this answer. */
  #isLast = false;
  #isUpgraded = false;
  #usedAt: number;
  #peerIdle: Due | undefined = undefined;

  constructor(world: World, pod: SimulatedPod, callOf: CallOf) {
    this.id = world.wiresMade++;
    this.#world = world;
    this.#callOf = callOf;
    this.pod = pod;
    this.bornAt = world.time.micros;
    this.#usedAt = this.bornAt;
    world.wires.add(this);
    pod.wires.add(this);
    this.#note('opens');
    this.#awaitPeerIdle();
  }

  carry(socket: MemorySocket): void {
    this.#socket = socket;
  }

  get ports(): string {
    return portsOf(this.id, 80);
  }

  get isUnacknowledged(): boolean | undefined {
    if (this.broken) return undefined;
    return this.unackedSince >= 0 && this.#world.time.micros - this.unackedSince >= SHOWS_AFTER;
  }

  // What this side does

  /** A call is given to it, and is to be written. */
  give(call: RequestCall): void {
    call.onGiven(this);
    this.carriedCalls.add(call);
    this.#world.watch.onGiven(call, this);
  }

  /** A call is over, or goes elsewhere. */
  drop(call: RequestCall): void {
    if (!this.carriedCalls.delete(call)) return;
    this.#cancel(call);
    this.undelivered.delete(call);
  }

  #cancel(call: RequestCall): void {
    if (call.due !== undefined) this.#world.time.cancelArrival(call.due);
    call.due = undefined;
  }

  /** Its kernel sends a probe. */
  probe(): void {
    if (this.pod.isCutOff && this.unackedSince < 0) this.unackedSince = this.#world.time.micros;
  }

  /** Something is written. */
  hear(text: string): void {
    if (this.#isUpgraded) return;
    this.probe();
    this.#reader.read(text);
  }

  onHead(head: string): void {
    const { time, watch, trace, draws, seed } = this.#world;
    const [, id] = /^\S+ \/(\d+) /.exec(head) ?? [];
    const call = id === undefined ? undefined : this.#callOf(Number(id));
    this.#current = call;
    if (call === undefined) return;
    this.sent++;
    call.onWritten();
    if (trace.notes) trace.note(time.micros, 'sent', call.id, this.id, this.pod.id);
    watch.onSent(call, this);
    this.carriedCalls.add(call);
    this.undelivered.add(call);
    if (/^expect: *100-continue$/im.test(head))
      time.arrive(2 * this.pod.network, this, CONTINUES, [call, call.sent]);
    time.inWorld(this.pod.network, this, BEGINS, call);
    this.#isEarly = !this.#world.isPrompt && draws.about(seed, call.id, 0xea1 + call.sent).next() < EARLY;
    if (this.#isEarly) this.#send(call);
  }

  onComplete(): void {
    const call = this.#current;
    this.#current = undefined;
    if (call === undefined) this.#world.time.arrive(2 * this.pod.network, this, CHECKED);
    else if (!this.#isEarly) this.#send(call);
  }

  #send(call: RequestCall): void {
    this.#world.time.inWorld(this.pod.network, this, REACHES_POD, call);
  }

  /** Its socket is destroyed on this side. */
  onDestroyed(error: Error | null): void {
    const { watch, time } = this.#world;
    for (const call of this.carriedCalls) {
      this.#cancel(call);
      const isCut = !this.broken && call.wire === this && call.isUnderWay && !this.#isUpgraded;
      if (isCut) watch.onCut(call, this, error ?? failure('DESTROYED'));
    }
    this.broken = true;
    this.closed = true;
    this.#note('closed');
    if (!this.peerClosed) this.pod.wires.delete(this);
    this.peerClosed = true;
    if (this.#peerIdle !== undefined) time.cancelInWorld(this.#peerIdle);
  }

  /** That was told. */
  onClosed(): void {
    this.#world.wires.delete(this);
  }

  happen(what: number, data: unknown): void {
    const call = data as RequestCall;
    switch (what) {
      case REACHES_POD:
        this.#reach(call);
        break;
      case BEGINS:
        if (this.#isArriving(call)) this.#atPod = call;
        break;
      case SAYS_WHY:
        if (!this.broken) this.#sayWhy();
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
      case PEER_IDLE:
        this.#onPeerIdle();
        break;
      case CONTINUES:
        this.#continue(data as [RequestCall, number]);
        break;
      case CHECKED:
        if (!this.broken && !this.pod.isFrozen) this.#say(this.#checkAnswer());
        break;
    }
  }

  // What the pod does

  #reach(call: RequestCall): void {
    if (!this.#isArriving(call)) return;
    this.undelivered.delete(call);
    this.#atPod = call;
    this.pod.take(call, this);
  }

  #isArriving(call: RequestCall): boolean {
    return this.undelivered.has(call) && !this.peerClosed && !this.pod.isCutOff;
  }

  #continue([call, sent]: [RequestCall, number]): void {
    if (call.sent !== sent || !this.carriedCalls.has(call) || this.broken || call.isBegun) return;
    call.isBegun = true;
    this.#say('HTTP/1.1 100 Continue\r\n\r\n');
  }

  #checkAnswer(): string {
    const status = this.pod.reaction === undefined ? 200 : 503;
    return headOf(status, ['content-length: 0']);
  }

  redeliver(): void {
    this.unackedSince = -1;
    for (const call of this.undelivered) this.#send(call);
  }

  answer(call: PlayedCall, reply: Reply, after: number): void {
    const { time } = this.#world;
    const request = call as RequestCall;
    request.reply = reply;
    request.isAskedToClose = this.pod.lastReaction === 'answer-close';
    request.due = time.arrive(after, this, HEAD, request);
  }

  // There are no streams.
  refuse(): void {}
  resetStream(): void {}
  goAwayFromPeer(): void {}
  loseFromPeer(): void {}
  giveUp(): void {}

  breakFromPeer(after: number): void {
    if (this.peerClosed) return;
    this.peerClosed = true;
    this.pod.wires.delete(this);
    this.#note('peer closes');
    if (this.pod.isCutOff) this.pod.unheard.push(this);
    else this.hearEnd(after);
  }

  hearEnd(after: number): void {
    this.#world.time.arrive(after, this, BREAKS);
  }

  *holdBack(): Generator<[call: RequestCall, what: number, left: number]> {
    const { time } = this.#world;
    for (const call of this.carriedCalls) {
      const { due } = call;
      if (due === undefined || due.at <= time.micros + this.pod.network) continue;
      this.#cancel(call);
      yield [call, due.what, due.at - time.micros];
    }
  }

  resume(call: PlayedCall, what: number, left: number): void {
    const request = call as RequestCall;
    if (this.carriedCalls.has(request)) request.due = this.#world.time.arrive(left, this, what, request);
  }

  #awaitPeerIdle(): void {
    const { keepAlive } = this.pod.plan;
    if (keepAlive > 0) this.#peerIdle ??= this.#world.time.inWorld(micros(keepAlive), this, PEER_IDLE);
  }

  #onPeerIdle(): void {
    this.#peerIdle = undefined;
    // It is asked again when it is idle.
    if (this.peerClosed || this.pod.isFrozen || this.pod.isCutOff || this.#isUsedForPeer) return;
    const { time } = this.#world;
    const { keepAlive } = this.pod.plan;
    const patience = this.sent > 0 ? keepAlive : Math.max(keepAlive, UNUSED);
    const left = this.#usedAt + micros(patience) - time.micros;
    if (left > 0) this.#peerIdle = time.inWorld(left, this, PEER_IDLE);
    else this.#endIdle();
  }

  /** Some servers say 408 as they end a connection that has idled: that answers nothing, or the request that comes just then. */
  #endIdle(): void {
    const { time, draws, seed } = this.#world;
    const saysWhy = !this.#world.isPrompt && draws.about(seed, this.id, 0x198).next() < EXPLAINED;
    if (saysWhy && !this.pod.isCutOff) time.arrive(this.pod.network, this, SAYS_WHY);
    this.breakFromPeer(this.pod.network);
  }

  #sayWhy(): void {
    for (const call of this.carriedCalls) {
      call.isBegun = true;
      call.isAnswered = true;
    }
    this.#say(headOf(408, ['connection: close', 'content-length: 0']));
  }

  /** Whether its pod takes it for one in use. */
  get #isUsedForPeer(): boolean {
    return this.#atPod !== undefined || (!this.#world.crosses && this.carriedCalls.size > 0);
  }

  // What comes here

  #say(text: string): void {
    this.#socket!.hear(text);
  }

  #onHead(call: RequestCall): void {
    call.due = undefined;
    call.isBegun = true;
    const { draws, seed, time } = this.#world;
    const { status, headers } = call.reply!;
    const lasts = call.hasNoBody ? 0 : call.reply!.lasts;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    if (call.upgrades && status === 200) {
      this.#isUpgraded = true;
      this.#atPod = undefined;
      this.#say(headOf(101, ['connection: upgrade', 'upgrade: simulated', ...lines]));
      return;
    }
    const seconds = Math.floor((this.pod.plan.hint ?? 0) / 1_000);
    if (seconds > 0) lines.push(`keep-alive: timeout=${seconds}`);
    this.#isLast = call.isAskedToClose;
    lines.push(`connection: ${this.#isLast ? 'close' : 'keep-alive'}`);
    lines.push(lasts === 0 ? 'content-length: 2' : 'transfer-encoding: chunked');
    const isHinted = draws.about(seed, call.id, 0x103 + call.sent).next() < HINTED;
    const hint = isHinted ? headOf(103, ['link: </style.css>; rel=preload']) : '';
    const body = call.hasNoBody ? '' : lasts === 0 ? 'ok' : '2\r\nok\r\n';
    const text = `${hint}${headOf(status, lines)}${body}`;
    if (lasts === 0) this.#finish(call, text);
    else {
      this.#say(text);
      // The caller may have ended it.
      if (this.carriedCalls.has(call) && !this.closed) call.due = time.arrive(lasts, this, END, call);
    }
  }

  #onEnd(call: RequestCall): void {
    call.due = undefined;
    this.#finish(call, '0\r\n\r\n');
  }

  /** The last part of an answer comes. */
  #finish(call: RequestCall, text: string): void {
    this.#atPod = undefined;
    this.#usedAt = this.#world.time.micros;
    call.isAnswered = true;
    this.#say(text);
    if (this.closed) return;
    if (this.#isLast) this.breakFromPeer(this.pod.network);
    else this.#awaitPeerIdle();
  }

  #onBroken(): void {
    if (this.broken) return;
    this.broken = true;
    for (const call of this.carriedCalls) {
      this.#cancel(call);
      call.onBroken(this);
    }
    const { draws, seed } = this.#world;
    if (draws.about(seed, this.id, 0xf1).next() < RESETS) {
      this.#socket!.destroy(Object.assign(failure('ECONNRESET', 'read ECONNRESET'), { syscall: 'read' }));
    } else this.#socket!.hearEnd();
  }

  #note(fact: 'opens' | 'closed' | 'peer closes'): void {
    const { trace, time } = this.#world;
    if (trace.notes) trace.note(time.micros, fact, -1, this.id, this.pod.id);
  }
}

function headOf(status: number, lines: readonly string[]): string {
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', ''].join('\r\n');
}
