import { Duplex } from 'node:stream';

/** Takes the place of a stream that could not be opened. undici finds it closed when it begins to write. */
export class UnopenedStream extends Duplex {
  readonly rstCode = 0;

  constructor() {
    super();
    // In the next tick, because undici can't pipe to a destroyed stream.
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
