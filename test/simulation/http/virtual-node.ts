import { Socket } from 'node:net';
import type { Actor } from '../agenda.ts';
import { micros, type VirtualTime } from '../time.ts';

// The one place that leans on how Node's sockets keep their time-outs, and on how ticks are run.

/** Where a socket has its time-out, which it begins anew with each byte. */
const KEY = Object.getOwnPropertySymbols(new Socket()).find(({ description }) => description === 'timeout')!;

interface Timed extends Socket {
  _onTimeout(): void;
}

class Timeout implements Actor {
  readonly #time: VirtualTime;
  readonly #socket: Timed;
  readonly #delay: number;
  #until: number;

  constructor(time: VirtualTime, socket: Timed, milliseconds: number) {
    this.#time = time;
    this.#socket = socket;
    this.#delay = micros(Math.max(1, Math.trunc(milliseconds)));
    this.#until = time.micros + this.#delay;
    time.timer(this.#delay, this, 0);
  }

  refresh(): void {
    this.#until = this.#time.micros + this.#delay;
  }

  happen(): void {
    if (this.#socket.destroyed || Reflect.get(this.#socket, KEY) !== this) return;
    const left = this.#until - this.#time.micros;
    if (left > 0) this.#time.timer(left, this, 0);
    else this.#socket._onTimeout();
  }
}

type Tick = (...args: unknown[]) => void;

/**
 * Calls `fn` while the time-outs of all sockets, those included that stand in for others, are in virtual time. Errors of
 * ticks, which Node would not survive where ticks are run by hand, are told instead.
 */
export function withVirtualNode<T>(time: VirtualTime, onError: (error: unknown) => void, fn: () => T): T {
  if (KEY === undefined) throw new Error(`Node ${process.version}: where do sockets have their time-outs?`);
  const { setTimeout } = Socket.prototype;
  const { nextTick } = process;
  Socket.prototype.setTimeout = function (this: Timed, milliseconds, callback) {
    if (this.destroyed) return this;
    const timeout = milliseconds === 0 ? null : new Timeout(time, this, milliseconds);
    Object.assign(this, { timeout: milliseconds, [KEY]: timeout });
    if (callback !== undefined && milliseconds === 0) this.removeListener('timeout', callback);
    else if (callback !== undefined) this.once('timeout', callback);
    return this;
  } as typeof setTimeout;
  const guarded = (tick: Tick, args: unknown[]) => {
    try {
      tick(...args);
    } catch (error) {
      onError(error);
    }
  };
  process.nextTick = (tick: Tick, ...args: unknown[]) => nextTick(guarded, tick, args);
  try {
    return fn();
  } finally {
    Socket.prototype.setTimeout = setTimeout;
    process.nextTick = nextTick;
  }
}
