import { Socket } from 'node:net';
import type { Dial } from '../../../src/core/connections/transport.ts';
import type { VirtualTime } from '../time.ts';
import type { SocketWire } from './socket-wire.ts';

/** Begins the dial of a socket. */
export type StartDial = (done: (error: Error | null, wire: SocketWire | undefined) => void) => Dial;

type Callback = (error?: Error | null) => void;
type Chunk = { readonly chunk: Buffer | string; readonly encoding: BufferEncoding };

const REMOTE_PORT = 80;

/** A socket of Node without a handle: in its place is a wire in virtual time. */
export class MemorySocket extends Socket {
  wire: SocketWire | undefined = undefined;
  readonly #time: VirtualTime;
  readonly #dial: Dial;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(time: VirtualTime, start: StartDial) {
    super();
    this.#time = time;
    Object.assign(this, { connecting: true });
    this.#dial = start((error, wire) => {
      if (error === null) this.#onConnected(wire!);
      else this.destroy(error);
    });
  }

  #onConnected(wire: SocketWire): void {
    this.wire = wire;
    Object.assign(this, { connecting: false });
    wire.carry(this);
    this.emit('connect');
    this.emit('ready');
  }

  /** Bytes that were read, and that were written or wait for that. */
  get bytes(): { readonly read: number; readonly written: number } {
    return { read: this.#bytesRead, written: this.#bytesWritten + this.writableLength };
  }

  /** A part of a response comes. */
  hear(text: string): void {
    if (this.destroyed) return;
    this.#bytesRead += text.length;
    this.#isActive();
    this.push(Buffer.from(text, 'latin1'));
  }

  /** Its peer has closed it: no more comes. */
  hearEnd(): void {
    if (this.destroyed) return;
    this.#isActive();
    this.push(null);
    this.read(0);
  }

  #isActive(): void {
    (this as unknown as { _unrefTimer(): void })._unrefTimer();
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: Callback): void {
    this._writev([{ chunk, encoding }], callback);
  }

  override _writev(chunks: Chunk[], callback: Callback): void {
    if (this.connecting) {
      this.once('connect', () => this._writev(chunks, callback));
      return;
    }
    const text = chunks
      .map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk))
      .map((chunk) => chunk.toString('latin1'))
      .join('');
    this.#bytesWritten += text.length;
    this.#isActive();
    this.wire!.hear(text);
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const { wire } = this;
    if (this.connecting) this.#dial.abandon();
    Object.assign(this, { connecting: false });
    wire?.onDestroyed(error);
    callback(error);
    // Handles close at the end of a turn of the event loop.
    this.#time.turn(() => {
      wire?.onClosed();
      this.emit('close', error !== null);
    });
  }

  override setKeepAlive(enable?: unknown): this {
    if (enable) this.wire?.probe();
    return this;
  }

  override setNoDelay(): this {
    return this;
  }

  override ref(): this {
    return this;
  }

  override unref(): this {
    return this;
  }
}

// In Node's types, these are properties.
Object.defineProperties(MemorySocket.prototype, {
  bytesRead: {
    get(this: MemorySocket) {
      return this.bytes.read;
    },
  },
  bytesWritten: {
    get(this: MemorySocket) {
      return this.bytes.written;
    },
  },
  localPort: {
    get(this: MemorySocket) {
      return this.wire?.id;
    },
  },
  remotePort: {
    get(this: MemorySocket) {
      return this.wire && REMOTE_PORT;
    },
  },
  remoteAddress: {
    get(this: MemorySocket) {
      return this.wire?.pod.address;
    },
  },
  remoteFamily: {
    get(this: MemorySocket) {
      return this.wire && 'IPv4';
    },
  },
  pending: {
    get(this: MemorySocket) {
      return this.wire === undefined;
    },
  },
});
