import { ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { History } from '../../../src/core/calls/history.ts';
import type { Connection, Pod } from '../../../src/core/connections/connection.ts';
import type { HttpCall } from '../../../src/transports/http/http-call.ts';
import type { Actor, Due } from '../agenda.ts';
import type { Asked, Caller } from '../call.ts';
import { codeOf, type PlayedCall, type Reply } from '../played.ts';
import type { Scene } from '../scene.ts';
import type { Fact } from '../trace.ts';
import { failure } from '../world.ts';
import { type Manner, mannerOf } from './manner.ts';
import type { PlayedAgent } from './played-agent.ts';
import type { SocketWire } from './socket-wire.ts';

const GIVES_UP = 0;
const WRITES = 1;
const READS = 2;
const HANGS_UP = 3;
const IS_TOLD = 4;

/**
 * Microseconds in which the end of an idle connection may be on its way while a request is sent; and by which the core,
 * which counts in ticks, may see it otherwise.
 */
const CROSSING = 100_000;
const SLACK = 1_000;
/** Microseconds after which a caller that has ended its request is told that it is over. */
const TOLD_AFTER = 5_000;

/** A request of node:http, as its caller has it. */
export class RequestCall implements PlayedCall, Actor {
  readonly id: number;
  readonly repeatable: boolean;
  readonly lasting: boolean;
  readonly upgrades: boolean;
  beganAt: number;
  sent = 0;
  executed = 0;
  readonly unlooked = 0;
  readonly givenBack = 0;
  unsent = 0;
  retried = 0;
  crossed = 0;
  failedCrossing = false;
  settled = 0;
  error: Error | undefined = undefined;
  waiting = false;
  socketOpen = false;
  reason: Error | null = null;
  due: Due | undefined = undefined;
  reply: Reply | undefined = undefined;
  readonly agent: PlayedAgent;
  /** What its service has of it. */
  core: HttpCall | undefined = undefined;
  /** What it was last given to, when, and whether it was written to that. */
  wire: SocketWire | undefined = undefined;
  /** A byte of an answer has come. */
  isBegun = false;
  /** Its pod has said the last of its answer, and wants to close the connection then. */
  isAnswered = false;
  isAskedToClose = false;
  readonly #scene: Scene;
  readonly #caller: Caller;
  readonly #manner: Manner;
  #request!: ClientRequest;
  #givenAt = 0;
  #response: IncomingMessage | undefined = undefined;
  #socket: Duplex | undefined = undefined;
  #patience: Due | undefined = undefined;
  /** Its connection, idle before, has ended so many microseconds after it was sent; Infinity: it has not. */
  #crossedAfter = Number.POSITIVE_INFINITY;
  /** Since then it waits for another connection: if there is none, that is why it fails. */
  #waitsAgain = false;
  /** Times that its request told of an error, and its response that it has ended, or of an error. */
  #errors = 0;
  #ends = 0;
  /** Its request has closed. */
  #isClosed = false;

  constructor(scene: Scene, agent: PlayedAgent, caller: Caller, id: number, asked: Asked) {
    const { world } = scene;
    this.#scene = scene;
    this.agent = agent;
    this.#caller = caller;
    this.id = id;
    this.lasting = asked.lasting;
    this.upgrades = asked.upgrades;
    this.#manner = mannerOf(world.draws.about(world.seed, id, 0xa5c), asked, world.isPrompt);
    this.repeatable = asked.repeatable;
    this.beganAt = world.time.micros;
  }

  get endpoint(): Pod | undefined {
    return this.core?.endpoint;
  }

  get connection(): Connection | undefined {
    return this.core?.connection;
  }

  get history(): History | undefined {
    return this.core?.history;
  }

  get keyHash(): number {
    return this.core?.keyHash ?? -1;
  }

  get seated(): boolean {
    return this.core?.seated ?? false;
  }

  get streaming(): boolean {
    return this.core?.streaming ?? false;
  }

  get statusCode(): number {
    return this.#response?.statusCode ?? 0;
  }

  /** Its agent has no place for it yet. */
  get waitsForPlace(): boolean {
    return this.core === undefined && this.settled === 0 && this.reason === null;
  }

  /** Its answer has a head only. */
  get hasNoBody(): boolean {
    return this.#manner.method === 'HEAD';
  }

  /** Its caller waits for it, and its answer is not complete. */
  get isUnderWay(): boolean {
    return this.settled === 0 && this.reason === null && !this.isAnswered;
  }

  describe(): { method: string; path: string } {
    return { method: this.#manner.method, path: `/${this.id}` };
  }

  /** Makes the request. */
  begin(key: number): ClientRequest {
    const { method, headers, timeout, body, listens, endsAtOnce } = this.#manner;
    const request = new ClientRequest({
      agent: this.agent,
      host: 'simulated.prod',
      port: 80,
      path: `/${this.id}`,
      method,
      headers: { ...headers, ...(key >= 0 && { 'x-key': `${key}` }) },
      ...(timeout > 0 && { timeout }),
    } as unknown as string);
    this.#request = request;
    request.on('response', (response) => this.#onResponse(response));
    request.on('upgrade', (response, socket) => this.#onUpgrade(response, socket));
    request.on('error', (error) => {
      this.#errors++;
      this.#onError(error);
    });
    request.on('close', () => {
      this.#isClosed = true;
      this.#look();
    });
    if (timeout > 0) request.on('timeout', () => this.#giveUp('timeout'));
    if (listens) request.on('socket', () => {});
    this.#write(body);
    if (endsAtOnce) this.#giveUp('at once');
    return request;
  }

  #write([first, ...rest]: readonly string[]): void {
    if (rest.length === 0) {
      this.#request.end(first);
      return;
    }
    this.#request.write(first!);
    this.#scene.world.time.timer(this.#manner.pause, this, WRITES, rest);
  }

  /** Its caller waits no longer than so many microseconds. */
  limit(patience: number): void {
    if (this.settled === 0) this.#patience = this.#scene.world.time.timer(patience, this, GIVES_UP);
  }

  happen(what: number, data: unknown): void {
    switch (what) {
      case GIVES_UP:
        this.#patience = undefined;
        this.#giveUp('');
        break;
      case WRITES:
        if (!this.#request.destroyed && this.settled === 0) this.#write(data as string[]);
        break;
      case READS:
        this.#response!.resume();
        break;
      case HANGS_UP:
        this.#socket!.destroy();
        break;
      case IS_TOLD:
        this.#checkTold();
        break;
    }
  }

  #giveUp(why: string): void {
    if (this.settled > 0 || this.reason !== null) return;
    // Of a request whose response is complete, and was not read, Node.js 26 keeps the connection, and earlier ones don't.
    if (this.isAnswered) return;
    this.#note('gives up', why);
    this.reason = failure('ERR_GIVEN_UP');
    if (this.#manner.saysWhy) this.#request.destroy(this.reason);
    else this.#request.destroy();
    this.#scene.world.time.timer(TOLD_AFTER, this, IS_TOLD);
  }

  /** While the process stood still, it may be that this is looked at before what comes in the next turn, and tells it. */
  #checkTold(): void {
    const { time } = this.#scene.world;
    const check = () => {
      if (this.settled === 0)
        this.#scene.violate('settles once', `call ${this.id} is ended by its caller, who is not told so`);
    };
    time.turn(() => time.turn(check));
  }

  // What it hears

  #onResponse(response: IncomingMessage): void {
    this.#response = response;
    this.#note('head', response.statusCode === 200 ? '' : String(response.statusCode));
    response.on('end', () => {
      this.#ends++;
      this.#look();
    });
    response.on('error', (error) => {
      this.#ends++;
      this.#onError(error);
    });
    const { readsAfter } = this.#manner;
    if (readsAfter === 0) response.resume();
    else this.#scene.world.time.timer(readsAfter, this, READS);
  }

  #onUpgrade(response: IncomingMessage, socket: Duplex): void {
    const { world } = this.#scene;
    this.#response = response;
    this.#socket = socket;
    this.socketOpen = true;
    this.#ends++;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.socketOpen = false;
      world.watch.onSocketClosed(this);
    });
    socket.resume();
    world.time.timer(Math.max(this.reply!.lasts, 1_000), this, HANGS_UP);
  }

  #onError(error: Error): void {
    this.error ??= error;
    this.#look();
  }

  /** Is it over? A response that was not read may come to its end after the request. */
  #look(): void {
    if (this.#errors > 1 || this.#ends > 1)
      this.#scene.violate('settles once', `call ${this.id} is told twice how it ends`);
    // A caller that ends a request need not be told.
    const isTold = this.#errors + this.#ends > 0 || this.reason !== null;
    if (!this.#isClosed || !isTold || this.settled > 0) return;
    const { world } = this.#scene;
    this.settled++;
    if (this.#patience !== undefined) world.time.cancelTimer(this.#patience);
    this.#patience = undefined;
    this.wire?.drop(this);
    const isAtHand = this.#manner.body.length === 1;
    const hasCrossed = this.#crossedAfter <= CROSSING - SLACK && !this.#waitsAgain;
    this.failedCrossing = hasCrossed && isAtHand && this.error !== undefined;
    if (this.error === undefined) this.#note('end');
    else this.#note('fails', codeOf(this.error));
    world.watch.onSettled(this, this.error);
    this.#caller.onOver(this);
  }

  // What becomes of it

  /** Its service has it. */
  onTaken(core: HttpCall): void {
    const { world } = this.#scene;
    this.core = core;
    this.beganAt = world.time.micros;
    const { startWaiting, stopWaiting } = core;
    core.startWaiting = () => {
      this.waiting = true;
      this.#waitsAgain = true;
      this.#note('waits');
      startWaiting.call(core);
      world.watch.onWaiting(this);
    };
    core.stopWaiting = () => {
      this.waiting = false;
      stopWaiting.call(core);
    };
  }

  /** It is given to a wire. */
  onGiven(wire: SocketWire): void {
    this.wire?.drop(this);
    this.wire = wire;
    this.#givenAt = this.#scene.world.time.micros;
    this.unsent++;
  }

  onWritten(): void {
    this.sent++;
    this.unsent--;
    if (this.#crossedAfter <= CROSSING + SLACK) this.crossed++;
    this.#crossedAfter = Number.POSITIVE_INFINITY;
    this.isBegun = false;
    this.isAnswered = false;
    this.reply = undefined;
  }

  /** Its connection has ended. */
  onBroken(wire: SocketWire): void {
    if (this.wire !== wire || this.isBegun) return;
    this.#note('broken');
    this.#waitsAgain = false;
    const { time } = this.#scene.world;
    if (wire.sent > 1) this.#crossedAfter = time.micros - this.#givenAt;
  }

  #note(fact: Fact, more = ''): void {
    const { trace, time } = this.#scene.world;
    if (trace.notes) trace.note(time.micros, fact, this.id, -1, -1, more);
  }
}
