import assert from 'node:assert/strict';
import type { Timer } from '../../src/core/base/clock.ts';
import { isProcessHeld } from '../../src/core/base/process-hold.ts';
import type { Dial, DialDone, Target, Transport } from '../../src/core/connections/transport.ts';
import { unacknowledged } from '../../src/core/connections/unacknowledged.ts';
import type { Carried, Wire, WireEvents } from '../../src/core/connections/wire.ts';
import type { Check } from '../../src/core/health/checker.ts';
import { FakeClock } from './clock.ts';
import type { MemoryCall } from './memory-call.ts';
import type { MemoryPod } from './memory-pod.ts';

/** A wire to a pod; to nobody, without one. */
export class MemoryWire implements Wire {
  readonly multiplexed: boolean;
  readonly ports = undefined;
  bytesRead = 0;
  /** Calls it ever had. */
  sent = 0;
  opening = false;
  broken = false;
  parked = false;
  readonly #pod: MemoryPod | undefined;
  readonly #clock: FakeClock;
  /** What it carries, with what is to come of it. */
  readonly #underWay = new Map<MemoryCall, Timer | undefined>();
  #events: WireEvents | undefined;
  #closed = false;

  constructor(multiplexed = false, pod?: MemoryPod, clock = new FakeClock()) {
    this.multiplexed = multiplexed;
    this.#pod = pod;
    this.#clock = clock;
    pod?.wires.add(this);
    pod?.opened.push(this);
  }

  get full(): boolean {
    return this.multiplexed && this.#underWay.size >= (this.#pod?.streams ?? Number.POSITIVE_INFINITY);
  }

  get carried(): Iterable<Carried> {
    return this.multiplexed ? this.#underWay.keys() : [];
  }

  /** How much it carries. */
  get load(): number {
    return this.#underWay.size;
  }

  open(events: WireEvents): void {
    this.#events = events;
  }

  park(): boolean {
    this.parked = this.load === 0;
    return this.parked;
  }

  send(attempt: Carried): void {
    const call = attempt as MemoryCall;
    assert.ok(!this.broken, 'nothing is sent on a wire that has ended');
    assert.ok(this.multiplexed ? !this.full : this.load === 0, 'nothing is sent on a wire that is full');
    assert.deepEqual(call.ends, [], 'what has ended is not sent');
    this.parked = false;
    this.sent++;
    this.#underWay.set(call, undefined);
    if (this.full) this.#events!.onRoomChanged(false);
    this.#pod?.take(call, this);
  }

  sendNextTurn(attempt: Carried): void {
    this.send(attempt);
  }

  /** Something comes of a call, unless it is dropped before. */
  later(call: MemoryCall, delay: number, callback: () => void): void {
    this.#underWay.set(call, this.#clock.schedule(callback, delay));
  }

  /** Nothing more comes of a call. False if it isn't carried. */
  drop(call: MemoryCall): boolean {
    this.#underWay.get(call)?.cancel();
    return this.#underWay.delete(call);
  }

  /** The peer ends it, with what it carries. */
  break(): void {
    if (this.broken) return;
    this.broken = true;
    for (const call of [...this.#underWay.keys()]) if (this.drop(call)) call.onBroken(failure('ECONNRESET'));
    this.#events!.retire('closed-by-peer');
  }

  /** The peer had ended it while the call was on its way. */
  vanish(call: MemoryCall): void {
    this.broken = true;
    if (this.drop(call)) call.onUnsent(failure('ECONNRESET'));
  }

  /** The peer takes no more, and has not looked at what isn't answered. */
  goAway(): void {
    this.#events!.retire('closed-by-peer');
    for (const call of [...this.#underWay.keys()]) {
      if (call.statusCode === 0 && this.drop(call)) call.onRefused(new Error('gone away'), 'gone-away');
    }
  }

  release(attempt: Carried): void {
    this.drop(attempt as MemoryCall);
  }

  keep(): void {}

  askKernel(): void {}

  close(): void {
    if (this.#closed) return;
    assert.equal(this.load, 0, 'a wire that carries something is not closed');
    this.#closed = true;
    this.broken = true;
    this.#pod?.wires.delete(this);
    this.#events?.onClosed();
  }

  lose(): void {
    this.#events?.destroy(failure('UND_ERR_SOCKET'));
  }

  destroy(error: Error): void {
    this.broken = true;
    for (const call of [...this.#underWay.keys()]) if (this.drop(call)) call.onCut(error);
    this.close();
  }

  cut(error: Error): void {
    for (const call of [...this.#underWay.keys()]) {
      if (!call.streaming && this.drop(call)) call.onCut(error);
    }
  }
}

/** A dial that ends as its pod says; as it is told to, if it leads to none. */
export class MemoryDial implements Dial {
  readonly target: Target;
  readonly #done: DialDone;
  abandoned = false;
  #ended = false;

  constructor(target: Target, done: DialDone) {
    this.target = target;
    this.#done = done;
  }

  connect(wire: Wire = new MemoryWire()): void {
    this.#end(null, wire);
  }

  fail(error: Error): void {
    this.#end(error, undefined);
  }

  #end(error: Error | null, wire: Wire | undefined): void {
    if (this.abandoned || this.#ended) return;
    this.#ended = true;
    this.#done(error, wire);
  }

  abandon(): void {
    this.abandoned = true;
  }

  unref(): void {}

  timeOut(): void {
    this.fail(this.timeoutError());
  }

  timeoutError(): Error {
    return failure('UND_ERR_CONNECT_TIMEOUT');
  }
}

/** Makes wires of memory: to those of its pods that are dialled, or when it is told to. */
export class MemoryTransport implements Transport {
  readonly timeout = 10_000;
  readonly patience = 3_000;
  readonly dials: MemoryDial[] = [];
  readonly pods = new Map<string, MemoryPod>();
  /** Where a dial to an address leads. */
  route = (address: string): MemoryPod | undefined => this.pods.get(address);
  readonly isProcessHeld = isProcessHeld;
  readonly unacknowledged = unacknowledged;
  readonly multiplexes: boolean;
  readonly keepAlive: number;
  readonly clock: FakeClock;

  constructor(multiplexes = false, keepAlive = 4_000, clock = new FakeClock()) {
    this.multiplexes = multiplexes;
    this.keepAlive = keepAlive;
    this.clock = clock;
  }

  /** The addresses that were dialled. */
  get dialled(): string[] {
    return this.dials.map(({ target }) => target.info.address);
  }

  dial(target: Target, done: DialDone): MemoryDial {
    const dial = this.#reach(target, done, (pod) => new MemoryWire(this.multiplexes, pod, this.clock));
    this.dials.push(dial);
    return dial;
  }

  knock(target: Target, done: (error: Error | null) => void): MemoryDial {
    return this.#reach(target, done, () => undefined);
  }

  #reach(target: Target, done: DialDone, wireTo: (pod: MemoryPod) => MemoryWire | undefined): MemoryDial {
    const dial = new MemoryDial(target, done);
    const pod = this.route(target.info.address);
    if (pod === undefined || pod.dials === 'unanswered') return dial;
    this.clock.schedule(() => {
      if (dial.abandoned || pod.dials === 'unanswered') return;
      if (pod.dials === 'refused') dial.fail(failure('ECONNREFUSED'));
      else dial.connect(wireTo(pod));
    }, pod.handshake);
    return dial;
  }

  check(): Check {
    return { abandon() {} };
  }
}

/** An error of that code. */
export function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}
