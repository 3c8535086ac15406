// The pods of a service, and what each has done of late.
import { Rates } from './history.js';

/**
 * @typedef {import('../../telemetry/stats.ts').EndpointStats} Row
 * @typedef {'good' | 'idle' | 'warn' | 'bad'} Mood
 */

/** Of reasons that say more than the state, what they mean. */
const MEANING = new Map([
  ['paused', 'paused: it asked for it with Retry-After'],
  ['on-trial', 'on trial after its ejection: one request at a time'],
  ['failing', 'fails its requests, but too many do to eject it'],
  ['in-doubt', 'says nothing; evenkeel finds out whether it is there'],
  ['request-limit', 'has as many requests as it may'],
  ['cold', 'not kept connected: there are too few requests for all pods'],
  ['frozen', 'not dialled: its address may be out of date'],
  ['superseded', 'serves until its successors are connected'],
]);

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

  /** @returns {Mood} */
  get mood() {
    const { state, reasons, dialError } = this.row;
    if (state === 'ejected' || dialError !== undefined || reasons.includes('backing-off')) return 'bad';
    if (reasons.some((reason) => reason !== 'cold' && MEANING.has(reason))) return 'warn';
    return state === 'ready' && !reasons.includes('cold') ? 'good' : 'idle';
  }

  /** How it stands, and why. */
  get state() {
    const { state, reasons, ejection, dialError } = this.row;
    const said = [];
    if (ejection !== undefined) said.push(`ejected for ${ejection.reason}, ${left(ejection.remaining)}`);
    else if (!reasons.includes('cold')) said.push(state);
    if (dialError !== undefined) said.push(`can't be reached: ${dialError}`);
    for (const reason of reasons) {
      const meaning = MEANING.get(reason);
      if (meaning !== undefined) said.push(meaning);
    }
    return said.join('; ');
  }

  /** Whether it could have had its share. */
  get shares() {
    return this.row.state === 'ready' && !this.row.reasons.includes('cold');
  }
}

/** @param {number | null} remaining milliseconds; `null`: nobody knows, as JSON has no infinity */
function left(remaining) {
  return remaining === null
    ? 'until its health checks pass'
    : `${Math.max(1, Math.round(remaining / 1_000))} s left`;
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
