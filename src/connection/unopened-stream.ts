import { Duplex } from 'node:stream';

/** Takes the place of a stream that could not be opened, for undici to find closed. */
export class UnopenedStream extends Duplex {
  readonly rstCode = 0;

  constructor() {
    super();
    this.destroy();
  }

  setTimeout(): this {
    return this;
  }

  close(): void {}
}
