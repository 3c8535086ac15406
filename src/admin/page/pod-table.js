// The pods of a service in a table: as many as fit on a page, sorted, and filtered.
import { drawLines, makeCanvas } from './charts.js';
import { element, mark, write } from './dom.js';
import { count, duration, rate } from './format.js';

/** @typedef {import('./pods.js').Pod} Pod */

const PAGE = 50;
const WORST_FIRST = { bad: 0, warn: 1, good: 2, idle: 3 };

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {(pod: Pod) => number | string} order
 * @property {(pod: Pod) => string} show
 */

/** @type {readonly Column[]} */
const COLUMNS = [
  { name: 'Pod', order: (pod) => pod.name, show: (pod) => pod.name },
  { name: 'State', order: (pod) => WORST_FIRST[pod.row.mood], show: (pod) => pod.row.says },
  {
    name: 'Requests/s',
    order: (pod) => -(pod.requests.mean() ?? 0),
    show: (pod) => rate(pod.requests.mean()),
  },
  { name: 'In flight', order: ({ row }) => -row.inFlight, show: ({ row }) => count(row.inFlight) },
  { name: 'p50', order: ({ row }) => -(row.p50 ?? 0), show: ({ row }) => duration(row.p50) },
  { name: 'p99', order: ({ row }) => -(row.p99 ?? 0), show: ({ row }) => duration(row.p99) },
  { name: 'Failures', order: ({ row }) => -row.failures, show: ({ row }) => count(row.failures) },
  { name: 'Connections', order: ({ row }) => -row.connections, show: ({ row }) => count(row.connections) },
];
const CHART = 2;
const TEXTS = new Intl.Collator('en', { numeric: true });

export class PodTable {
  element;
  #body = element('tbody');
  #heads;
  #filter = element('input', { type: 'search', placeholder: 'address, zone or state' });
  #back = element('button', { type: 'button' }, '‹ Previous');
  #on = element('button', { type: 'button' }, 'Next ›');
  #where = element('span', { role: 'status' });
  /** @type {{ element: HTMLTableRowElement, cells: HTMLElement[], chart: HTMLCanvasElement }[]} */
  #rows = [];
  /** @type {readonly Pod[]} */
  #pods = [];
  #sortedBy = -1;
  #reversed = false;
  #page = 0;

  /** @param {string} origin */
  constructor(origin) {
    this.#heads = COLUMNS.map(({ name }, index) => {
      const button = element('button', { type: 'button' }, name);
      button.addEventListener('click', () => this.#sortBy(index));
      return element('th', { scope: 'col', ...(index > 1 && { class: 'number' }) }, button);
    });
    this.#filter.addEventListener('input', () => this.#turnTo(0));
    this.#back.addEventListener('click', () => this.#turnTo(this.#page - 1));
    this.#on.addEventListener('click', () => this.#turnTo(this.#page + 1));
    const table = element(
      'table',
      { 'aria-label': `Pods of ${origin}` },
      element('thead', {}, element('tr', {}, ...this.#heads)),
      this.#body,
    );
    this.element = element(
      'div',
      {},
      element(
        'div',
        { class: 'tools' },
        element('label', {}, 'Find pods: ', this.#filter),
        element('span', { class: 'pages' }, this.#where, this.#back, this.#on),
      ),
      element(
        'div',
        { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Pods of ${origin}` },
        table,
      ),
    );
  }

  /** @param {readonly Pod[]} pods */
  draw(pods) {
    this.#pods = pods;
    const shown = this.#sorted(this.#found());
    const last = Math.max(0, Math.ceil(shown.length / PAGE) - 1);
    this.#page = Math.min(this.#page, last);
    const from = this.#page * PAGE;
    const present = shown.slice(from, from + PAGE);
    while (this.#rows.length > present.length) this.#rows.pop()?.element.remove();
    for (const [index, pod] of present.entries()) this.#drawRow(this.#rowAt(index), pod);
    const range = present.length === 0 ? '0' : `${count(from + 1)} to ${count(from + present.length)}`;
    write(this.#where, `${range} of ${count(shown.length)}`);
    this.#back.disabled = this.#page === 0;
    this.#on.disabled = this.#page === last;
  }

  #found() {
    const wanted = this.#filter.value.trim().toLowerCase();
    if (wanted === '') return this.#pods;
    return this.#pods.filter((pod) => `${pod.name} ${pod.row.says}`.toLowerCase().includes(wanted));
  }

  /** @param {readonly Pod[]} pods */
  #sorted(pods) {
    const column = COLUMNS[this.#sortedBy];
    // With nothing said, what is wrong is first, and the rest stays where it is.
    const order = column?.order ?? ((/** @type {Pod} */ pod) => Math.min(2, WORST_FIRST[pod.row.mood]));
    const keyed = pods.map((pod) => ({ pod, key: order(pod) }));
    keyed.sort(({ key: a }, { key: b }) =>
      typeof a === 'string' ? TEXTS.compare(a, String(b)) : a - Number(b),
    );
    if (this.#reversed) keyed.reverse();
    return keyed.map(({ pod }) => pod);
  }

  /** @param {number} column */
  #sortBy(column) {
    this.#reversed = this.#sortedBy === column && !this.#reversed;
    this.#sortedBy = column;
    for (const [index, head] of this.#heads.entries()) {
      const sorted = index > 1 !== this.#reversed ? 'descending' : 'ascending';
      mark(head, 'aria-sort', index === column ? sorted : undefined);
    }
    this.#turnTo(0);
  }

  /** @param {number} page */
  #turnTo(page) {
    this.#page = Math.max(0, page);
    this.draw(this.#pods);
  }

  /** @param {number} index */
  #rowAt(index) {
    const known = this.#rows[index];
    if (known !== undefined) return known;
    const cells = COLUMNS.map((_, column) => {
      const text = element('span');
      const kind = column === 0 ? 'th' : 'td';
      const attributes = { ...(column === 0 && { scope: 'row' }), ...(column > 1 && { class: 'number' }) };
      return { text, cell: element(kind, { ...attributes, ...(column === 1 && { class: 'state' }) }, text) };
    });
    const chart = makeCanvas({ 'aria-hidden': 'true' });
    cells[CHART]?.cell.prepend(chart, ' ');
    const row = {
      element: element('tr', {}, ...cells.map(({ cell }) => cell)),
      cells: cells.map(({ text }) => text),
      chart,
    };
    this.#rows.push(row);
    this.#body.append(row.element);
    return row;
  }

  /**
   * @param {{ cells: HTMLElement[], chart: HTMLCanvasElement }} row
   * @param {Pod} pod
   */
  #drawRow({ cells, chart }, pod) {
    for (const [index, { show }] of COLUMNS.entries())
      write(/** @type {Element} */ (cells[index]), show(pod));
    mark(/** @type {Element} */ (cells[1]?.parentElement), 'data-mood', pod.row.mood);
    drawLines(chart, [{ series: pod.requests, colour: 'accent' }], undefined);
  }
}
