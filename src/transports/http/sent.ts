import { type NodeRequest, type NodeSocket, type Output, outputOf } from './node-http.ts';

/** What a request gives a socket to send, kept in case that it has to go to another one. */
export class Sent {
  /** Whether that is all it has to send. */
  readonly isFinished: boolean;
  readonly #request: NodeRequest;
  readonly #socket: NodeSocket;
  readonly #bytesBefore: number;
  readonly #output: Output[];
  /** The first of its writes that waits. */
  readonly #first: Output | undefined;
  /** Whether the request listens by itself to the timeouts of each socket that it is given. */
  readonly #listens: boolean;

  /** Just before the request has the socket. */
  constructor(request: NodeRequest, socket: NodeSocket) {
    this.isFinished = request.finished;
    this.#request = request;
    this.#socket = socket;
    this.#bytesBefore = socket.bytesWritten;
    this.#output = outputOf(request);
    this.#first = request.outputData[0];
    this.#listens = request.timeoutCb !== null;
  }

  /** Whether nothing has left yet, and all that was written is known. */
  get isUnwritten(): boolean {
    return this.#socket.bytesWritten === this.#bytesBefore && (this.isFinished || this.#waits);
  }

  /** Whether the socket was given nothing: what it is given by a request that goes on writing is not kept. */
  get #waits(): boolean {
    const { outputData, _headerSent } = this.#request;
    return outputData[0] === this.#first && (this.#first !== undefined || !_headerSent);
  }

  /** What another socket has to send. */
  get output(): Output[] {
    return this.#waits ? outputOf(this.#request) : this.#output;
  }

  /**
   * Has the next socket keep the time that this one kept, once the request has left it.
   *
   * @returns milliseconds; `undefined`: its caller has asked for none
   */
  passTimeout(request: NodeRequest): number | undefined {
    if (request.timeoutCb === null) return undefined;
    const timeout = this.#socket.timeout ?? 0;
    if (this.#listens) return timeout;
    request.timeoutCb = null;
    // Of those that were in its options it takes care by itself.
    if (request.timeout === undefined) request.setTimeout(timeout);
    return timeout;
  }
}
