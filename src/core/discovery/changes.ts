/** Counts changes, and wakes those who wait for the next one. Several changes before that count as one. */
export class Changes {
  #count = 0;
  #waiting: PromiseWithResolvers<void> | undefined;

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count += 1;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Resolves when there were more than `count` changes. */
  async since(count: number): Promise<void> {
    if (this.#count > count) return;
    this.#waiting ??= Promise.withResolvers();
    await this.#waiting.promise;
  }
}
