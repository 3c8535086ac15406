/** Collects evenkeel's warnings, from the constructor to `restore`: they are part of the report. */
export class Warnings {
  readonly #taken: { code: string; message: string }[] = [];
  readonly #before = process.listeners('warning');
  readonly #take = (warning: Error & { code?: string }) => {
    const { code = '', message } = warning;
    const isKnown = this.#taken.some((taken) => taken.message === message);
    if (code.startsWith('EVENKEEL_')) isKnown || this.#taken.push({ code, message });
    else for (const listener of this.#before) listener.call(process, warning);
  };

  constructor() {
    process.removeAllListeners('warning');
    process.on('warning', this.#take);
  }

  async all() {
    // A warning is emitted in the next tick.
    await new Promise(setImmediate);
    return this.#taken;
  }

  restore(): void {
    process.off('warning', this.#take);
    for (const listener of this.#before) process.on('warning', listener);
  }
}
