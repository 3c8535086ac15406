import type { EndpointView, ServiceView } from '../../admin/view.ts';

/** Milliseconds. */
const WINDOW = 3_000;

/** Requests a second of each pod over the last few seconds, from what it has counted by then. */
export class Rates {
  /** The moments that the rates are over, the oldest first. */
  readonly #moments: { at: number; counts: ReadonlyMap<string, number> }[] = [];
  readonly #keys = new WeakMap<EndpointView, string>();

  /** @param at milliseconds */
  add(at: number, services: Readonly<Record<string, ServiceView>>): void {
    const counts = new Map<string, number>();
    for (const [origin, { endpoints }] of Object.entries(services)) {
      for (const row of endpoints) {
        const name = `${origin} ${row.address} ${row.identity ?? ''}`;
        // Places of a virtual IP share its address, and are told apart by their order.
        let key = name;
        for (let turn = 2; counts.has(key); turn++) key = `${name} ${turn}`;
        counts.set(key, row.requests);
        this.#keys.set(row, key);
      }
    }
    this.#moments.push({ at, counts });
    while (this.#moments.length > 2 && at - this.#moments[1]!.at >= WINDOW) this.#moments.shift();
  }

  /** That of a row of the last moment; none, if it is the first with that pod. */
  of(row: EndpointView): number | undefined {
    const key = this.#keys.get(row)!;
    const last = this.#moments.at(-1)!;
    const first = this.#moments.find(({ counts }) => counts.has(key))!;
    if (first === last) return undefined;
    const more = row.requests - first.counts.get(key)!;
    return more < 0 ? undefined : (1_000 * more) / (last.at - first.at);
  }
}
