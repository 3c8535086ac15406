import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import { type RawServer, startRawServer } from './raw-server.ts';

const PREFACE = 24;
const FRAME_HEAD = 9;
const HEADERS = 1;
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** No stream was looked at, and there is no error. */
const GOAWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Stands before a pod, and ends connections by a GOAWAY that refuses the first call on them, as often as it is told to. */
export class RefusingFront {
  /** Connections to come that refuse their call. */
  refusals = 0;
  /** Calls that it has refused. */
  refused = 0;
  /** Connections to come are taken, and nothing is said on them until it speaks. */
  isSilent = false;
  readonly #pod: EndpointAddress;
  #server: RawServer | undefined;
  readonly #silent: Socket[] = [];
  #onRefused: () => void = () => {};
  #onTaken: () => void = () => {};

  constructor(pod: EndpointAddress) {
    this.#pod = pod;
  }

  async listen(t: TestContext): Promise<void> {
    this.#server = await startRawServer(t, (socket) => this.#take(socket));
  }

  get endpoint(): EndpointAddress {
    return this.#server!.endpoint;
  }

  /** Resolves once a call was refused. */
  refusal(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRefused = resolve;
    });
  }

  /** Ends the connections that there are, and resolves when one has taken their place. */
  drop(): Promise<void> {
    for (const socket of this.#server!.sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#onTaken = resolve;
    });
  }

  /** Says what it has to say on the connections that it was silent on. */
  speak(): void {
    this.isSilent = false;
    for (const socket of this.#silent.splice(0)) this.#take(socket);
  }

  #take(socket: Socket): void {
    this.#onTaken();
    if (this.isSilent) {
      this.#silent.push(socket);
    } else if (this.refusals > 0) {
      this.refusals--;
      this.#refuse(socket).catch(() => {});
    } else {
      const behind = connect(this.#pod.port, this.#pod.address).on('error', () => {});
      socket.on('close', () => behind.destroy()).pipe(behind);
      behind.pipe(socket);
    }
  }

  async #refuse(socket: Socket): Promise<void> {
    let unread = Buffer.alloc(0);
    let at = PREFACE;
    socket.write(SETTINGS);
    while (unread.length < at + FRAME_HEAD || unread[at + 3] !== HEADERS) {
      if (unread.length >= at + FRAME_HEAD) {
        at += FRAME_HEAD + unread.readUIntBE(at, 3);
      } else {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        unread = Buffer.concat([unread, chunk]);
      }
    }
    this.refused++;
    socket.resume().end(GOAWAY);
    this.#onRefused();
  }
}

export async function startRefusingFront(t: TestContext, pod: EndpointAddress): Promise<RefusingFront> {
  const front = new RefusingFront(pod);
  await front.listen(t);
  return front;
}
