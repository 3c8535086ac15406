import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

type Listener = (...args: unknown[]) => void;

/** Calls on the first socket that must be repeated on the second one. */
const KEPT: ReadonlySet<PropertyKey> = new Set(['setNoDelay', 'setKeepAlive', 'ref', 'unref']);

/** Events that come once, when a socket connects. */
const OF_CONNECTING = ['lookup', 'connect', 'ready', 'secureConnect'];

/**
 * A socket that becomes another one later. Calls go to the first socket and are repeated on the other; listeners of the
 * first are moved to the other.
 */
export class SwitchingSocket {
  readonly socket: Socket;
  readonly #first: Socket;
  #current: Socket;
  /** The own properties of the first socket. */
  readonly #names: ReadonlySet<PropertyKey>;
  readonly #listeners: ReadonlySet<unknown>;
  readonly #kept: [name: PropertyKey, args: unknown[]][] = [];

  constructor(first: Socket) {
    this.#first = first;
    this.#current = first;
    this.#names = new Set([...Reflect.ownKeys(first), 'timeout']);
    this.#listeners = new Set(first.eventNames().flatMap((name) => first.rawListeners(name)));
    this.socket = new Proxy(first, {
      get: (_, name) => this.#get(name),
      set: (_, name, value) => Reflect.set(this.#current, name, value),
      has: (_, name) => Reflect.has(this.#current, name),
      deleteProperty: (_, name) => Reflect.deleteProperty(this.#current, name),
      getPrototypeOf: () => Reflect.getPrototypeOf(this.#current),
    });
  }

  #get(name: PropertyKey): unknown {
    const value = Reflect.get(this.#current, name);
    if (this.#current !== this.#first || !KEPT.has(name)) return value;
    return (...args: unknown[]) => {
      this.#kept.push([name, args]);
      return this.socket;
    };
  }

  /** From now on, it is `next`. If `next` is connected, those who wait for that are told. */
  become(next: Socket): void {
    const first = this.#first;
    this.#current = next;
    for (const [name, args] of this.#kept) Reflect.apply(Reflect.get(next, name) as Listener, next, args);
    for (const name of Reflect.ownKeys(first)) {
      if (!this.#names.has(name)) Reflect.set(next, name, Reflect.get(first, name));
    }
    if (first.timeout !== undefined) next.setTimeout(first.timeout);
    first.setTimeout(0);
    for (const name of first.eventNames()) {
      if (next.connecting || !OF_CONNECTING.includes(name as string)) this.#hand(next, name);
    }
    if (next.connecting) return;
    this.hasTcp(next);
    this.#tell('secureConnect');
  }

  /**
   * Makes the first socket emit that its TCP connection exists, unless it has: probably to the peer of the given
   * socket.
   */
  hasTcp({ remoteAddress, remoteFamily }: Socket): void {
    if (!this.#first.connecting) return;
    const { timeout = 0 } = this.#first;
    Object.assign(this.#first, { connecting: false });
    // The timeout begins again, as with each step of a socket of Node.
    if (timeout > 0) this.#first.setTimeout(timeout);
    this.#tell('lookup', null, remoteAddress, remoteFamily === 'IPv6' ? 6 : 4, remoteAddress);
    this.#tell('connect');
    this.#tell('ready');
  }

  /** Moves the listeners of the first socket to the next one. */
  #hand(next: EventEmitter, name: string | symbol): void {
    for (const listener of this.#added(name)) {
      const { listener: plain } = listener as { listener?: Listener };
      if (plain === undefined) next.on(name, listener);
      else next.once(name, plain);
    }
  }

  #tell(name: string, ...args: unknown[]): void {
    for (const listener of this.#added(name)) {
      this.#first.off(name, listener);
      Reflect.apply((listener as { listener?: Listener }).listener ?? listener, this.socket, args);
    }
  }

  #added(name: string | symbol): Listener[] {
    const first: EventEmitter = this.#first;
    return first.rawListeners(name).filter((each) => !this.#listeners.has(each)) as Listener[];
  }
}
