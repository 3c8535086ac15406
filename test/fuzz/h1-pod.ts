// A server of HTTP/1.1 that misbehaves as it is told. It writes bytes, for node:http would not let it.
import type { Socket } from 'node:net';
import type { Attempt, Ledger, Wire } from './ledger.ts';
import { bytesOf, type Reply, type Scenario } from './scenario.ts';

interface Body {
  /** Bytes still to come; -1: in chunks. */
  left: number;
}

export class H1Connection {
  readonly #socket: Socket;
  /** What carries TLS, or the socket itself. */
  readonly #raw: Socket;
  readonly #ledger: Ledger;
  readonly #server: Scenario['server'];
  readonly #wire: Wire;
  #buffer: Buffer = Buffer.alloc(0);
  #attempt: Attempt | undefined;
  #reply: Reply | undefined;
  #body: Body | undefined;
  #answering = false;
  #idle: NodeJS.Timeout | undefined;
  #tunnel = false;

  constructor(socket: Socket, raw: Socket, pod: number, ledger: Ledger, server: Scenario['server']) {
    this.#socket = socket;
    this.#raw = raw;
    this.#ledger = ledger;
    this.#server = server;
    this.#wire = ledger.connected(pod, socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(this.#idle);
      ledger.closed(this.#wire);
    });
    socket.on('end', () => {
      if (!this.#answering) socket.end();
    });
    const listen = () => {
      socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    };
    if (server.slowAccept > 0) setTimeout(listen, server.slowAccept);
    else listen();
  }

  #onData(chunk: Buffer): void {
    clearTimeout(this.#idle);
    if (this.#tunnel) {
      this.#socket.write(chunk);
      return;
    }
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    this.#read();
  }

  #read(): void {
    while (this.#buffer.length > 0) {
      if (this.#attempt === undefined) {
        const end = this.#buffer.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = this.#buffer.toString('latin1', 0, end);
        this.#buffer = this.#buffer.subarray(end + 4);
        if (!this.#onHead(head)) return;
      }
      if (this.#body !== undefined && !this.#readBody()) return;
      if (this.#attempt?.whole) return;
    }
  }

  #onHead(head: string): boolean {
    const [line = '', ...rest] = head.split('\r\n');
    const [method = '', path = ''] = line.split(' ');
    const headers = rest.map((header) => {
      const colon = header.indexOf(':');
      return `${header.slice(0, colon).toLowerCase()}: ${header.slice(colon + 1).trim()}`;
    });
    const got = this.#ledger.received(this.#wire, method, path, headers.toSorted());
    if (got === undefined) {
      // Its body, of which it isn't known what it is, may come later.
      this.#socket.removeAllListeners('data').resume();
      this.#socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return false;
    }
    this.#attempt = got.attempt;
    this.#reply = got.reply;
    if (headers.includes('expect: 100-continue')) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    const length = headers.find((header) => header.startsWith('content-length: '));
    const chunked = headers.some((header) => header.startsWith('transfer-encoding: chunked'));
    const left = chunked ? -1 : Number(length?.slice(16) ?? 0);
    this.#body = { left };
    if (got.reply.at === 'head') this.#look();
    if (left === 0) this.#onWhole();
    return true;
  }

  /** Whether all of it has come. */
  #readBody(): boolean {
    const body = this.#body!;
    if (body.left >= 0) {
      const part = this.#buffer.subarray(0, body.left);
      this.#buffer = this.#buffer.subarray(part.length);
      body.left -= part.length;
      this.#ledger.body(this.#attempt!, part);
      if (body.left > 0) return false;
      this.#onWhole();
      return true;
    }
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end < 0) return false;
      const size = Number.parseInt(this.#buffer.toString('latin1', 0, end), 16);
      if (this.#buffer.length < end + 2 + size + 2) return false;
      if (size > 0) this.#ledger.body(this.#attempt!, this.#buffer.subarray(end + 2, end + 2 + size));
      this.#buffer = this.#buffer.subarray(end + 2 + size + 2);
      if (size === 0) break;
    }
    this.#onWhole();
    return true;
  }

  #onWhole(): void {
    this.#body = undefined;
    this.#ledger.whole(this.#attempt!);
    if (this.#reply!.at === 'body') this.#look();
    else if (!this.#answering) this.#next();
  }

  /** The server looks at the request. */
  #look(): void {
    this.#answering = true;
    // It came after the server had ended the connection: nobody answers.
    if (this.#socket.writableEnded) {
      this.#ledger.broke(this.#attempt!, 'too late');
      return;
    }
    const { delay } = this.#reply!;
    if (delay > 0) setTimeout(() => this.#answer(), delay);
    else this.#answer();
  }

  #answer(): void {
    const attempt = this.#attempt!;
    const reply = this.#reply!;
    const { break: harm } = reply;
    if (this.#socket.destroyed || this.#socket.writableEnded) {
      this.#ledger.broke(attempt, 'too late');
      return;
    }
    for (const hint of reply.hints) this.#socket.write(`HTTP/1.1 ${hint} Hint\r\nlink: </a>\r\n\r\n`);
    if (harm?.after === 'nothing') {
      this.#harm(reply);
      return;
    }
    const pieces = this.#pieces(reply, attempt.call);
    const head = pieces.shift()!;
    attempt.answered = 'part';
    if (harm?.after === 'head') {
      this.#socket.write(head);
      this.#harm(reply);
      return;
    }
    if (harm?.after === 'half') {
      this.#socket.write(
        Buffer.concat([head, ...pieces.slice(0, Math.ceil(pieces.length / 2))]).subarray(0, -1),
      );
      this.#harm(reply);
      return;
    }
    if (reply.pieces === 1) {
      const response = Buffer.concat([head, ...pieces]);
      const isDouble = this.#wire.pod === this.#server.doublePod;
      if (isDouble) this.#ledger.harmed(this.#wire, 'twice');
      this.#socket.write(isDouble ? Buffer.concat([response, response]) : response);
      this.#answered(reply);
      return;
    }
    this.#socket.write(head.subarray(0, 10));
    const parts = [head.subarray(10), ...pieces];
    const next = () => {
      const part = parts.shift();
      if (this.#socket.destroyed) return;
      if (part === undefined) {
        this.#answered(reply);
        return;
      }
      this.#socket.write(part);
      // What is written in full is answered: its client may send the next one at once.
      if (parts.length === 0) this.#answered(reply);
      else setImmediate(next);
    };
    setImmediate(next);
  }

  #pieces(reply: Reply, id: number): Buffer[] {
    const { status, framing, size, headers, trailers } = reply;
    const lines = [`HTTP/1.1 ${status} Said`, ...headers.map(([name, value]) => `${name}: ${value}`)];
    const says = this.#wire.pod === 0 ? this.#server.firstPodSays : undefined;
    if (says !== undefined) lines.push(`${says[0]}: ${says[1]}`);
    if (status === 101) lines.push('connection: upgrade', 'upgrade: echo');
    const tunnel = status === 101 || this.#attempt!.method === 'CONNECT';
    if (tunnel) this.#tunnel = true;
    else if (framing === 'chunked') lines.push('transfer-encoding: chunked');
    else if (framing === 'length') lines.push(`content-length: ${size}`);
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    if (tunnel || this.#attempt!.method === 'HEAD') return [head];
    const body = bytesOf(id, size);
    const step = Math.max(1, Math.ceil(size / reply.pieces));
    const pieces: Buffer[] = [head];
    for (let at = 0; at < size; at += step) {
      const part = body.subarray(at, at + step);
      if (framing !== 'chunked') pieces.push(part);
      else pieces.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    }
    if (framing === 'chunked') pieces.push(Buffer.from(`0\r\n${trailers ? 'x-trailer: t\r\n' : ''}\r\n`));
    return pieces;
  }

  /** All of the response has been written. */
  #answered(reply: Reply): void {
    this.#ledger.answered(this.#attempt!);
    const closes = reply.headers.some(([name, value]) => name === 'connection' && value === 'close');
    if (this.#tunnel) return;
    if (reply.framing === 'close' || closes) {
      this.#wire.harmedAt ??= performance.now();
      this.#wire.harm ||= 'said close';
      this.#end();
    } else if (reply.break !== undefined) {
      this.#harm(reply);
    }
    this.#answering = false;
    if (this.#attempt!.whole) this.#next();
  }

  #next(): void {
    this.#attempt = undefined;
    const { idleTimeout } = this.#server;
    if (idleTimeout > 0) {
      this.#idle = setTimeout(() => {
        this.#ledger.harmed(this.#wire, 'idle');
        this.#end();
      }, idleTimeout);
    }
    this.#read();
  }

  #end(last = ''): void {
    this.#socket.end(last, () => this.#ledger.sent(this.#wire));
  }

  #harm({ break: harm }: Reply): void {
    const { how, later } = harm!;
    const attempt = this.#attempt!;
    if (attempt.answered !== 'full') this.#ledger.broke(attempt, how);
    const act = () => {
      this.#ledger.harmed(this.#wire, how);
      if (this.#socket.destroyed) return;
      if (how === 'garbage') this.#end('\0garbage\r\n\r\n');
      else if (how === 'fin') this.#end();
      else if (how === 'reset') {
        this.#raw.resetAndDestroy();
        this.#ledger.sent(this.#wire);
      } else {
        this.#socket.write('HTTP/1.1 200 Twice\r\ncontent-length: 2\r\n\r\nok', () =>
          this.#ledger.sent(this.#wire),
        );
      }
    };
    if (later === undefined) act();
    else setTimeout(act, later);
    // What breaks off leaves nobody waiting for ever.
    if (how === 'twice' && attempt.answered !== 'full') {
      setTimeout(() => {
        this.#ledger.harmed(this.#wire, how);
        this.#socket.destroy();
        this.#ledger.sent(this.#wire);
      }, 50);
    }
  }
}
