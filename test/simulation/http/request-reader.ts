// Reads requests as a server does: one after the other, each with its body.

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

export interface RequestListener {
  onHead(head: string): void;
  /** The request is complete. */
  onComplete(): void;
}

export class RequestReader {
  readonly #listener: RequestListener;
  #text = '';
  /** Bytes of a body that are missing; -1: it comes in chunks; `undefined`: the next head is awaited. */
  #missing: number | undefined = undefined;

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  read(text: string): void {
    this.#text += text;
    while (this.#missing === undefined ? this.#readHead() : this.#readBody(this.#missing));
  }

  #readHead(): boolean {
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return false;
    const head = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + HEAD_END.length);
    const [, length = '0'] = /^content-length: *(\d+)$/im.exec(head) ?? [];
    this.#missing = /^transfer-encoding: *chunked$/im.test(head) ? -1 : Number(length);
    this.#listener.onHead(head);
    return true;
  }

  #readBody(missing: number): boolean {
    const end = missing < 0 ? this.#text.indexOf(LAST_CHUNK) + LAST_CHUNK.length : missing;
    if (end < LAST_CHUNK.length ? missing < 0 : this.#text.length < end) return false;
    this.#text = this.#text.slice(end);
    this.#missing = undefined;
    this.#listener.onComplete();
    return true;
  }
}
