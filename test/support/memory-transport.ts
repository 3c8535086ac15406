import type { Dial, DialDone, Target, Transport } from '../../src/core/connections/transport.ts';
import type { Carried, Wire, WireEvents } from '../../src/core/connections/wire.ts';
import type { Check } from '../../src/core/health/checker.ts';

/** A wire that leads nowhere. */
export class MemoryWire implements Wire {
  readonly multiplexed: boolean;
  readonly carried = new Set<Carried>();
  readonly ports = '';
  bytesRead = 0;
  full = false;
  opening = false;
  broken = false;
  parked = false;
  #events: WireEvents | undefined;

  constructor(multiplexed = false) {
    this.multiplexed = multiplexed;
  }

  open(events: WireEvents): void {
    this.#events = events;
  }

  park(): boolean {
    this.parked = this.carried.size === 0;
    return this.parked;
  }

  send(attempt: Carried): void {
    this.parked = false;
    this.carried.add(attempt);
  }

  sendNextTurn(attempt: Carried): void {
    this.send(attempt);
  }

  release(attempt: Carried): void {
    this.carried.delete(attempt);
  }

  keep(): void {}

  askKernel(): void {}

  close(): void {
    if (this.broken) return;
    this.broken = true;
    this.#events?.onClosed();
  }

  lose(): void {
    this.close();
  }

  destroy(): void {
    this.close();
  }

  cut(): void {
    this.carried.clear();
  }
}

/** A dial that ends as it is told to. */
export class MemoryDial implements Dial {
  readonly target: Target;
  readonly #done: DialDone;
  abandoned = false;

  constructor(target: Target, done: DialDone) {
    this.target = target;
    this.#done = done;
  }

  connect(wire: Wire = new MemoryWire()): void {
    this.#done(null, wire);
  }

  fail(error: Error): void {
    this.#done(error, undefined);
  }

  abandon(): void {
    this.abandoned = true;
  }

  unref(): void {}

  timeOut(): void {
    this.fail(this.timeoutError());
  }

  timeoutError(): Error {
    return new Error('timed out');
  }
}

/** Makes wires of memory, when it is told to. */
export class MemoryTransport implements Transport {
  readonly keepAlive: number;
  readonly multiplexes: boolean;
  readonly timeout = 10_000;
  readonly patience = 3_000;
  readonly dials: MemoryDial[] = [];

  constructor(multiplexes = false, keepAlive = 4_000) {
    this.multiplexes = multiplexes;
    this.keepAlive = keepAlive;
  }

  /** The addresses that were dialled. */
  get dialled(): string[] {
    return this.dials.map(({ target }) => target.info.address);
  }

  dial(target: Target, done: DialDone): MemoryDial {
    const dial = new MemoryDial(target, done);
    this.dials.push(dial);
    return dial;
  }

  knock(target: Target, done: (error: Error | null) => void): MemoryDial {
    return new MemoryDial(target, done);
  }

  check(): Check {
    return { abandon() {} };
  }
}
