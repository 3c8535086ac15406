/** Members that come and go, and listeners that hear of each. */
export class Registry<T> {
  readonly #members = new Set<T>();
  readonly #watchers = new Set<{ onAdded: (member: T) => void; onDeleted: (member: T) => void }>();

  add(member: T): void {
    this.#members.add(member);
    for (const { onAdded } of this.#watchers) onAdded(member);
  }

  delete(member: T): void {
    if (!this.#members.delete(member)) return;
    for (const { onDeleted } of this.#watchers) onDeleted(member);
  }

  /**
   * Calls `onAdded` for each present and each new member, and `onDeleted` for each that goes. @returns a function that
   * stops it
   */
  watch(onAdded: (member: T) => void, onDeleted: (member: T) => void): () => void {
    const watcher = { onAdded, onDeleted };
    this.#watchers.add(watcher);
    for (const member of this.#members) onAdded(member);
    return () => this.#watchers.delete(watcher);
  }
}
