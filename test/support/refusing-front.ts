import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import { nextAddress } from './pods.ts';

const PREFACE = 24;
const FRAME_HEAD = 9;
const HEADERS = 1;
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** No stream was looked at, and there is no error. */
const GOAWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Stands before a pod, and ends connections by a GOAWAY that refuses the first call on them, as often as it is told to. */
export class RefusingFront {
  readonly endpoint: EndpointAddress;
  /** Connections to come that refuse their call. */
  refusals = 0;
  /** Calls that it has refused. */
  refused = 0;
  /** Connections to come are taken, and nothing is said on them until it speaks. */
  isSilent = false;
  readonly #pod: EndpointAddress;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #silent: Socket[] = [];
  #onRefused: () => void = () => {};

  constructor(server: Server, pod: EndpointAddress) {
    this.#server = server;
    this.#pod = pod;
    const { address, port } = server.address() as AddressInfo;
    this.endpoint = { address, port };
    server.on('connection', (socket) => this.#take(this.#track(socket)));
  }

  /** Resolves once a call was refused. */
  refusal(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRefused = resolve;
    });
  }

  /** Ends the connections that there are, so that those to come take their place. */
  async drop(): Promise<void> {
    const next = once(this.#server, 'connection');
    for (const socket of this.#sockets) socket.destroy();
    await next;
  }

  /** Says what it has to say on the connections that it was silent on. */
  speak(): void {
    this.isSilent = false;
    for (const socket of this.#silent.splice(0)) this.#take(socket);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    if (this.isSilent) {
      this.#silent.push(socket);
      return;
    }
    if (this.refusals > 0) {
      this.refusals--;
      this.#refuse(socket);
      return;
    }
    const behind = this.#track(connect(this.#pod.port, this.#pod.address));
    socket.pipe(behind).pipe(socket);
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
  }

  #refuse(socket: Socket): void {
    let unread = Buffer.alloc(0);
    let isOpened = false;
    socket.write(SETTINGS);
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      if (!isOpened && unread.length >= PREFACE) {
        isOpened = true;
        unread = unread.subarray(PREFACE);
      }
      while (isOpened && unread.length >= FRAME_HEAD) {
        const length = unread.readUIntBE(0, 3);
        if (unread.length < FRAME_HEAD + length) return;
        if (unread[3] === HEADERS) {
          this.refused++;
          socket.removeAllListeners('data').resume().end(GOAWAY);
          this.#onRefused();
          return;
        }
        unread = unread.subarray(FRAME_HEAD + length);
      }
    });
  }
}

export async function startRefusingFront(t: TestContext, pod: EndpointAddress): Promise<RefusingFront> {
  const server = createServer().listen(0, nextAddress());
  await once(server, 'listening');
  const front = new RefusingFront(server, pod);
  t.after(() => front.close());
  return front;
}
