import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

type Listener = (...args: unknown[]) => void;

/** What a socket that connects keeps in mind until it has: it would be lost with the first of two. */
const KEPT: ReadonlySet<PropertyKey> = new Set(['setNoDelay', 'setKeepAlive', 'ref', 'unref']);

/** What is said once of a socket, as it has connected. */
const OF_CONNECTING = ['lookup', 'connect', 'ready', 'secureConnect'];

/**
 * A socket that is another one later, for those who have it: what they have asked of the first is asked of the other, and who listens
 * to the first listens to the other.
 */
export class SwitchingSocket {
  readonly socket: Socket;
  readonly #first: Socket;
  #current: Socket;
  /** What the first has of its own. */
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

  /** It is `next` from now on. If that one is connected, those who wait for that are told. */
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

  /** Has the first say, unless it has, that its TCP connection is there: to the peer of that one, for all that is known. */
  hasTcp({ remoteAddress, remoteFamily }: Socket): void {
    if (!this.#first.connecting) return;
    const { timeout = 0 } = this.#first;
    Object.assign(this.#first, { connecting: false });
    // Time begins anew, as with each step of a socket of Node's.
    if (timeout > 0) this.#first.setTimeout(timeout);
    this.#tell('lookup', null, remoteAddress, remoteFamily === 'IPv6' ? 6 : 4, remoteAddress);
    this.#tell('connect');
    this.#tell('ready');
  }

  /** Has those who listen to the first listen to the next. */
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
