import type { HeldWrites } from './held-writes.ts';
import { bytesWrittenBy, type NodeRequest, type NodeSocket, type Output, outputOf } from './node-http.ts';

/** What a request gives a socket to send. Kept in case the request must go to another socket. */
export class Sent {
  /** Whether this is all that the request sends. */
  readonly isFinished: boolean;
  private readonly request: NodeRequest;
  private readonly socket: NodeSocket;
  private readonly bytesBefore: number;
  /** The first write that waits, and its callback. */
  private first: Output | undefined = undefined;
  private callback: Output['callback'] = null;
  /** All writes, if there is more than the head. */
  private writes: Output[] | undefined = undefined;
  /** Whether the request itself listens to the timeout of each of its sockets. */
  private readonly listens: boolean;

  /** Call this just before the request gets the socket and the `held` writes. */
  constructor(request: NodeRequest, socket: NodeSocket, held: HeldWrites | undefined) {
    this.isFinished = request.finished;
    this.request = request;
    this.socket = socket;
    this.bytesBefore = bytesWrittenBy(socket);
    this.listens = request.timeoutCb !== null;
    this.keep();
    if (held !== undefined) held.onReleased = () => this.keep();
  }

  private keep(): void {
    const { request } = this;
    const { outputData } = request;
    const [first] = outputData;
    this.first = first;
    this.callback = first === undefined ? null : first.callback;
    const isHead = outputData.length === 1 && first!.data === request._header;
    this.writes = isHead || !this.isFinished ? undefined : outputOf(request);
  }

  /** Whether nothing has left yet, and all writes are known. */
  get isUnwritten(): boolean {
    return this.socket.bytesWritten === this.bytesBefore && (this.isFinished || this.waits);
  }

  /** Whether the socket got nothing yet. What a request writes later isn't kept. */
  private get waits(): boolean {
    const { outputData, _headerSent } = this.request;
    return outputData[0] === this.first && (this.first !== undefined || !_headerSent);
  }

  /** What another socket must send. */
  get output(): Output[] {
    if (this.waits) return outputOf(this.request);
    return this.writes ?? [{ data: this.request._header!, encoding: 'latin1', callback: this.callback }];
  }

  /**
   * Passes the timeout of this socket on to the next one, after the request has left this one.
   *
   * @returns milliseconds; `undefined`: the caller has set none
   */
  passTimeout(request: NodeRequest): number | undefined {
    if (request.timeoutCb === null) return undefined;
    const timeout = this.socket.timeout ?? 0;
    if (this.listens) return timeout;
    request.timeoutCb = null;
    // The request itself handles a timeout that was in its options.
    if (request.timeout === undefined) request.setTimeout(timeout);
    return timeout;
  }
}
