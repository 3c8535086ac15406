import { Duplex } from 'node:stream';

/** Takes the place of a stream that could not be opened, for undici to find closed when it has begun to write. */
export class UnopenedStream extends Duplex {
  readonly rstCode = 0;

  constructor() {
    super();
    // Nothing can be piped to a stream that is destroyed by then: undici does not reckon with that.
    process.nextTick(() => this.destroy());
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  setTimeout(): this {
    return this;
  }

  close(): void {}
}
