import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';

// By Node itself: an import of the module would load all of its parts, built-in undici among them, in each test file.
const { createServer } = process.getBuiltinModule('node:http');

let lastHost = process.pid % 200;

/** A loopback address that no other test of this process uses. */
export function nextAddress(): string {
  lastHost++;
  return `127.${1 + (process.pid % 250)}.${lastHost >> 8}.${lastHost & 255 || ++lastHost & 255}`;
}

export interface PodOptions {
  address?: string;
  port?: number;
  /** The server's own timeout for idle connections, which it advertises; Node's default: 5 s. */
  keepAliveTimeout?: number;
}

/**
 * A server that stands for a pod. It answers `/` at once, with its address as the body; what comes to a
 * path that begins with `/slow` waits until it is released.
 */
export class Pod extends EventEmitter {
  readonly server: Server;
  /** Paths, in the order in which they came. */
  readonly paths: string[] = [];
  /** Sockets that are open now. */
  readonly sockets = new Set<Socket>();
  /** Connections ever made, and for each the requests that it carried. */
  readonly connections: {
    opened: number;
    closed: number | undefined;
    requests: number;
    lastRequest: number;
  }[] = [];
  /** How a request is answered that isn't slow. */
  respond: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    response.end(this.address);
  };
  readonly #held: { path: string; release: () => void }[] = [];
  #address!: AddressInfo;

  constructor({ keepAliveTimeout }: PodOptions) {
    super();
    this.server = createServer((request, response) => this.#onRequest(request, response));
    if (keepAliveTimeout !== undefined) this.server.keepAliveTimeout = keepAliveTimeout;
    this.server.on('connection', (socket) => this.#onConnection(socket));
  }

  async listen(address: string, port: number): Promise<void> {
    this.server.listen(port, address);
    await once(this.server, 'listening');
    this.#address = this.server.address() as AddressInfo;
  }

  get address(): string {
    return this.#address.address;
  }

  get port(): number {
    return this.#address.port;
  }

  get endpoint(): EndpointAddress {
    return { address: this.address, port: this.port };
  }

  get requests(): number {
    return this.paths.length;
  }

  /** Resolves when a request to that path has come, if it hasn't already. */
  async received(path: string): Promise<void> {
    while (!this.paths.includes(path)) await once(this, 'request');
  }

  /** Answers those that wait on that path. */
  release(path: string): void {
    const due = this.#held.filter((held) => held.path === path);
    for (const held of due) {
      this.#held.splice(this.#held.indexOf(held), 1);
      held.release();
    }
  }

  /** Resolves when no connection is open. */
  async allClosed(): Promise<void> {
    while (this.sockets.size > 0) await once(this, 'close');
  }

  /** Stops listening, and breaks what is open. */
  async kill(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await this.allClosed();
  }

  #onConnection(socket: Socket): void {
    const record = {
      opened: performance.now(),
      closed: undefined as number | undefined,
      requests: 0,
      lastRequest: 0,
    };
    this.connections.push(record);
    Object.assign(socket, { record });
    this.sockets.add(socket);
    socket.once('close', () => {
      record.closed = performance.now();
      this.sockets.delete(socket);
      this.emit('close');
    });
    this.emit('connection', socket);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!;
    const { record } = request.socket as Socket & { record: Pod['connections'][number] };
    record.requests++;
    record.lastRequest = performance.now();
    this.paths.push(path);
    if (path.startsWith('/slow')) {
      this.#held.push({ path, release: () => this.respond(request, response) });
    } else {
      this.respond(request, response);
    }
    this.emit('request', request);
  }
}

/** Starts a pod. When the test ends, no connection to it may be left a moment later. */
export async function startPod(t: TestContext, options: PodOptions = {}): Promise<Pod> {
  const pod = new Pod(options);
  await pod.listen(options.address ?? nextAddress(), options.port ?? 0);
  t.after(() => pod.kill());
  return pod;
}

/** Starts pods that all listen on one port, as those behind a Service do. */
export async function startPods(t: TestContext, count: number, options: PodOptions = {}): Promise<Pod[]> {
  const first = await startPod(t, options);
  const others = await Promise.all(
    Array.from({ length: count - 1 }, () => startPod(t, { ...options, port: first.port })),
  );
  return [first, ...others];
}

/** Lets everything happen that is due. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}
