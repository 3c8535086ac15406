import type { HeldWrites } from './held-writes.ts';
import { type NodeRequest, type NodeSocket, type Output, outputOf } from './node-http.ts';

/** What a request gives a socket to send, kept in case that it has to go to another one. */
export class Sent {
  /** Whether that is all it has to send. */
  readonly isFinished: boolean;
  private readonly request: NodeRequest;
  private readonly socket: NodeSocket;
  private readonly bytesBefore: number;
  /** The first of its writes that waits, and what is to be called when that was written. */
  private first: Output | undefined = undefined;
  private callback: Output['callback'] = null;
  /** All of them, if that is more than its head. */
  private writes: Output[] | undefined = undefined;
  /** Whether the request listens by itself to the timeouts of each socket that it is given. */
  private readonly listens: boolean;

  /** Just before the request has the socket, and what is `held`. */
  constructor(request: NodeRequest, socket: NodeSocket, held: HeldWrites | undefined) {
    this.isFinished = request.finished;
    this.request = request;
    this.socket = socket;
    this.bytesBefore = socket.bytesWritten;
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

  /** Whether nothing has left yet, and all that was written is known. */
  get isUnwritten(): boolean {
    return this.socket.bytesWritten === this.bytesBefore && (this.isFinished || this.waits);
  }

  /** Whether the socket was given nothing: what it is given by a request that goes on writing is not kept. */
  private get waits(): boolean {
    const { outputData, _headerSent } = this.request;
    return outputData[0] === this.first && (this.first !== undefined || !_headerSent);
  }

  /** What another socket has to send. */
  get output(): Output[] {
    if (this.waits) return outputOf(this.request);
    return this.writes ?? [{ data: this.request._header!, encoding: 'latin1', callback: this.callback }];
  }

  /**
   * Has the next socket keep the time that this one kept, once the request has left it.
   *
   * @returns milliseconds; `undefined`: its caller has asked for none
   */
  passTimeout(request: NodeRequest): number | undefined {
    if (request.timeoutCb === null) return undefined;
    const timeout = this.socket.timeout ?? 0;
    if (this.listens) return timeout;
    request.timeoutCb = null;
    // Of those that were in its options it takes care by itself.
    if (request.timeout === undefined) request.setTimeout(timeout);
    return timeout;
  }
}
