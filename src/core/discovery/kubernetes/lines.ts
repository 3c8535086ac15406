/** Splits a stream of bytes into lines, however it is cut into chunks. */
export class LineSplitter {
  #head: Uint8Array[] = [];

  /** The lines that `chunk` completes, without line ends. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      lines.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#head.push(chunk.subarray(start));
    return lines;
  }

  /** Whether the last line has no end. */
  get cut(): boolean {
    return this.#head.length > 0;
  }

  #complete(tail: Uint8Array): string {
    const bytes = this.#head.length === 0 ? tail : Buffer.concat([...this.#head, tail]);
    this.#head = [];
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  }
}
