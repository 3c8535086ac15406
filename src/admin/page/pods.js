// The pods of a service, and what each has done of late.
import { Rates } from './history.js';

/** @typedef {import('../view.ts').EndpointView} Row */

/** A pod, from one moment to the next. */
export class Pod {
  requests = new Rates();
  failures = new Rates();
  /** @type {Row} */
  row;

  /** @param {Row} row */
  constructor(row) {
    this.row = row;
    const { address, identity, zone } = row;
    this.name = `${identity === undefined ? address : `${identity} (${address})`}${zone === undefined ? '' : ` in ${zone}`}`;
  }

  /** Whether it could have had its share. */
  get shares() {
    return this.row.state === 'ready' && !this.row.reasons.includes('cold');
  }
}

/** All pods of a service, in the order in which evenkeel has them. */
export class Pods {
  /** @type {Map<string, Pod>} */
  #byKey = new Map();

  get all() {
    return [...this.#byKey.values()];
  }

  /**
   * @param {readonly Row[]} rows
   * @param {number | undefined} seconds since the last moment that counted; `undefined`: this one doesn't
   */
  update(rows, seconds) {
    const pods = new Map();
    for (const row of rows) {
      const name = `${row.address} ${row.identity ?? ''}`;
      // Places of a virtual IP share its address, and are told apart by their order.
      let key = name;
      for (let turn = 2; pods.has(key); turn++) key = `${name} ${turn}`;
      const pod = this.#byKey.get(key) ?? new Pod(row);
      pod.row = row;
      if (seconds !== undefined) {
        pod.requests.count(row.requests, seconds);
        pod.failures.count(row.failures, seconds);
      }
      pods.set(key, pod);
    }
    this.#byKey = pods;
  }

  /** Whether its endpoints are connections to one address, behind which somebody else picks a pod for each. */
  get isVirtual() {
    const rows = this.all.map(({ row }) => row);
    const [first] = rows;
    return rows.length > 1 && rows.every(({ address, identity }) => address === first?.address && !identity);
  }

  /** Jain's fairness index over the pods that could have had their share: 1 is even. `undefined`: too few requests. */
  get evenness() {
    let sum = 0;
    let squares = 0;
    let number = 0;
    for (const pod of this.#byKey.values()) {
      const rate = pod.shares ? pod.requests.mean(10) : undefined;
      if (rate === undefined) continue;
      sum += rate;
      squares += rate * rate;
      number++;
    }
    return number > 0 && 10 * sum >= 5 * number ? (sum * sum) / (number * squares) : undefined;
  }
}
