// One service: what it does, and its pods.
import { drawBars, drawLines, makeCanvas } from './charts.js';
import { element, mark, write } from './dom.js';
import { count, duration, many, percent, rate } from './format.js';
import { Series } from './history.js';
import { PodTable } from './pod-table.js';
import { Pods } from './pods.js';

/**
 * @typedef {import('../view.ts').ServiceView} Stats
 * @typedef {Omit<Stats['discovery'], 'error'> & { error: { name: string, code?: string, message: string } | null }} Discovery
 */

const FIGURES = ['Requests/s', 'Failures/s', 'In flight', 'Waiting', 'p50', 'p99', 'Connections', 'Evenness'];

let cards = 0;

export class ServiceCard {
  element;
  pods = new Pods();
  #requests = new Series();
  #failures = new Series();
  #p50 = new Series();
  #p99 = new Series();
  /** @type {Stats | undefined} */
  #stats;
  #source = element('p');
  #figures = FIGURES.map(() => element('dd', {}, '–'));
  #rateChart = makeCanvas({
    role: 'img',
    'aria-label': 'Requests and failures a second, over the last 3 minutes',
  });
  #timeChart = makeCanvas({ role: 'img', 'aria-label': 'p50 and p99, over the last 3 minutes' });
  #podChart = makeCanvas({ role: 'img', 'aria-label': 'Requests a second of each pod' });
  #podCaption = element('figcaption');
  #table;

  /** @param {string} origin */
  constructor(origin) {
    const id = `service-${++cards}`;
    this.#table = new PodTable(origin);
    const figures = FIGURES.map((name, index) =>
      element('div', {}, element('dt', {}, name), /** @type {Node} */ (this.#figures[index])),
    );
    this.element = element(
      'section',
      { 'aria-labelledby': id },
      element('div', { class: 'title' }, element('h2', { id }, origin), this.#source),
      element('dl', {}, ...figures),
      element(
        'div',
        { class: 'charts' },
        element(
          'figure',
          {},
          element('figcaption', {}, 'Requests a second; failures dashed'),
          this.#rateChart,
        ),
        element('figure', {}, element('figcaption', {}, 'p50; p99 dashed'), this.#timeChart),
        element('figure', {}, this.#podCaption, this.#podChart),
      ),
      this.#table.element,
    );
  }

  /**
   * @param {Stats} stats
   * @param {number | undefined} seconds since the last moment that counted; `undefined`: this one doesn't
   */
  update(stats, seconds) {
    this.#stats = stats;
    this.pods.update(stats.endpoints, seconds);
    if (seconds === undefined) return;
    this.#requests.add(this.#sum((pod) => pod.requests));
    this.#failures.add(this.#sum((pod) => pod.failures));
    this.#p50.add(stats.p50);
    this.#p99.add(stats.p99);
  }

  draw() {
    const stats = /** @type {Stats} */ (this.#stats);
    const pods = this.pods.all;
    const { isVirtual } = this.pods;
    this.#drawSource(/** @type {Discovery} */ (stats.discovery), isVirtual);
    const values = [
      rate(this.#requests.mean()),
      rate(this.#failures.mean()),
      count(stats.running),
      count(stats.pending),
      duration(stats.p50),
      duration(stats.p99),
      count(stats.connected),
      isVirtual ? '–' : percent(this.pods.evenness),
    ];
    for (const [index, value] of values.entries())
      write(/** @type {Element} */ (this.#figures[index]), value);
    drawLines(
      this.#rateChart,
      [
        { series: this.#requests, colour: 'accent' },
        { series: this.#failures, colour: 'bad', dashed: true },
      ],
      rate,
    );
    drawLines(
      this.#timeChart,
      [
        { series: this.#p50, colour: 'accent' },
        { series: this.#p99, colour: 'second', dashed: true },
      ],
      duration,
    );
    const what = isVirtual ? 'connection in rotation' : 'pod';
    write(this.#podCaption, `Requests a second of each ${what} (${count(pods.length)})`);
    drawBars(
      this.#podChart,
      pods.map((pod) => ({ value: pod.requests.mean(10) ?? 0, colour: pod.row.mood })),
      rate,
    );
    this.#table.draw(pods);
  }

  /**
   * @param {Discovery} discovery
   * @param {boolean} isVirtual
   */
  #drawSource({ source, endpoints, error }, isVirtual) {
    const known = isVirtual ? `a virtual IP, ${many(endpoints, 'connection')}` : many(endpoints, 'pod');
    const problem = error === null ? '' : `; but now: ${error.message}`;
    write(this.#source, `${known} by ${source}${problem}`);
    mark(this.#source, 'data-bad', error === null ? undefined : '');
  }

  /** @param {(pod: import('./pods.js').Pod) => Series} ratesOf */
  #sum(ratesOf) {
    let sum = Number.NaN;
    for (const pod of this.pods.all) {
      const value = ratesOf(pod).at(0);
      if (!Number.isNaN(value)) sum = Number.isNaN(sum) ? value : sum + value;
    }
    return sum;
  }
}
