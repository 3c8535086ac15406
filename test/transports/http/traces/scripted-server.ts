import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from '../../../support/certificate.ts';

/** What the server does with a request, one after the other. */
export type Step =
  /** Writes these bytes. */
  | { readonly write: string }
  /** Waits until the whole body of the request has come. */
  | 'body'
  /** Waits until the scenario says `go()`. */
  | 'go'
  /** Waits until the client has closed the connection. */
  | 'gone'
  /** Sends back what comes from now on. */
  | 'echo'
  | 'end'
  | 'reset';

/** A request as it came. */
export interface Seen {
  /** The request line, and all headers in their order. */
  readonly head: readonly string[];
  body: string;
  /** Which of the connections that carried requests, from 1. */
  readonly connection: number;
}

const END_OF_HEAD = '\r\n\r\n';
const END_OF_CHUNKS = /(^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n/;

/**
 * A server without an HTTP implementation of its own: it reads requests, and does for the n-th one what the n-th list of
 * steps says; the last list serves all that come after.
 */
export class ScriptedServer {
  readonly seen: Seen[] = [];
  /** Connections that are open. */
  readonly sockets = new Set<Socket>();
  readonly #server: Server;
  #scripts: readonly (readonly Step[])[] = [[]];
  #carrying = 0;
  #going: PromiseWithResolvers<void>[] = [];
  #goes = 0;

  constructor(certificate?: Certificate) {
    this.#server = certificate === undefined ? createServer() : createTlsServer(certificate);
    this.#server.on(certificate === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.sockets.delete(socket));
      void this.#serve(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(address: string): Promise<void> {
    this.#server.listen(0, address);
    await once(this.#server, 'listening');
  }

  /** Begins a scenario. */
  play(scripts: readonly (readonly Step[])[]): void {
    this.#scripts = scripts;
    this.#goes = 0;
    this.#going = [];
    this.seen.length = 0;
  }

  /** Lets the next step `go` end, or the one that waits. */
  go(): void {
    const waiting = this.#going.shift();
    if (waiting === undefined) this.#goes++;
    else waiting.resolve();
  }

  /** Ends when the n-th request has come, from 1. */
  async received(n: number): Promise<void> {
    while (this.seen.length < n) await once(this.#server, 'request seen');
  }

  /** Ends the idle connections as servers do whose patience is over. */
  closeConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Ends when no connection is left. */
  async allClosed(): Promise<void> {
    for (const socket of this.sockets) await new Promise((resolve) => socket.once('close', resolve));
  }

  close(): void {
    this.#server.close();
    this.closeConnections();
  }

  async #serve(socket: Socket): Promise<void> {
    const input = new Input(socket);
    let connection = 0;
    for (;;) {
      const head = await input.through(END_OF_HEAD);
      if (head === undefined) return;
      connection ||= ++this.#carrying;
      const lines = head.slice(0, -END_OF_HEAD.length).split('\r\n');
      const seen: Seen = { head: lines, body: '', connection };
      const body = this.#read(lines, input).then((text) => {
        seen.body = text;
      });
      this.seen.push(seen);
      const script = this.#scripts[Math.min(this.seen.length, this.#scripts.length) - 1]!;
      this.#server.emit('request seen');
      for (const step of script) await this.#take(step, socket, body, input);
      await body;
    }
  }

  async #read(head: readonly string[], input: Input): Promise<string> {
    const value = (name: string) =>
      head.find((line) => line.toLowerCase().startsWith(`${name}:`))?.split(': ')[1];
    if (value('transfer-encoding') !== undefined) return (await input.chunks()) ?? 'cut short';
    const length = Number(value('content-length') ?? 0);
    return (await input.take(length)) ?? 'cut short';
  }

  async #take(step: Step, socket: Socket, body: Promise<void>, input: Input): Promise<void> {
    if (typeof step === 'object') {
      socket.write(step.write, 'latin1');
      return;
    }
    switch (step) {
      case 'body':
        return body;
      case 'go': {
        if (this.#goes > 0) {
          this.#goes--;
          return;
        }
        const going = Promise.withResolvers<void>();
        this.#going.push(going);
        return going.promise;
      }
      case 'gone':
        if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
        return;
      case 'echo':
        for (let text = await input.some(); text !== undefined; text = await input.some()) socket.write(text);
        socket.end();
        return;
      case 'end':
        socket.end();
        return;
      case 'reset':
        if ('encrypted' in socket) socket.destroy();
        else socket.resetAndDestroy();
        return;
    }
  }
}

/** What comes through a socket, to be read by parts; `undefined` when that has ended before. */
class Input {
  #buffer = '';
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#buffer += text;
      this.#wake();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  through(mark: string): Promise<string | undefined> {
    return this.#when(() => {
      const at = this.#buffer.indexOf(mark);
      return at < 0 ? undefined : at + mark.length;
    });
  }

  take(length: number): Promise<string | undefined> {
    return this.#when(() => (this.#buffer.length < length ? undefined : length));
  }

  some(): Promise<string | undefined> {
    return this.#when(() => this.#buffer.length || undefined);
  }

  /** A chunked body, without its framing. */
  async chunks(): Promise<string | undefined> {
    const text = await this.#when(() => {
      const end = END_OF_CHUNKS.exec(this.#buffer);
      return end === null ? undefined : end.index + end[0].length;
    });
    if (text === undefined) return undefined;
    let body = '';
    for (let at = 0; ; ) {
      const line = text.indexOf('\r\n', at);
      const size = Number.parseInt(text.slice(at, line), 16);
      if (size === 0) return body + text.slice(line + 2, -2);
      body += text.slice(line + 2, line + 2 + size);
      at = line + 2 + size + 2;
    }
  }

  async #when(length: () => number | undefined): Promise<string | undefined> {
    for (;;) {
      const enough = length();
      if (enough !== undefined) {
        const text = this.#buffer.slice(0, enough);
        this.#buffer = this.#buffer.slice(enough);
        return text;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
