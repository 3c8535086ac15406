// What happened, in sentences, the newest first.
import { byId, element, mark } from './dom.js';
import { time } from './format.js';

/** @typedef {import('../happenings.ts').Happening} Happening */

/** Lines that are shown, of each kind. */
const MOST = 200;

/** @type {Record<string, { kind: string, bad?: true }>} */
const KINDS = {
  'discovery:update': { kind: 'discovery' },
  'discovery:error': { kind: 'discovery', bad: true },
  'endpoint:add': { kind: 'discovery' },
  'endpoint:remove': { kind: 'discovery' },
  'endpoint:eject': { kind: 'ejections', bad: true },
  'endpoint:restore': { kind: 'ejections' },
  'request:retry': { kind: 'retries' },
  'connection:open': { kind: 'connections' },
  'connection:retire': { kind: 'connections' },
};

export class Log {
  #list = byId('log');
  /** @type {Map<string, HTMLInputElement>} */
  #boxes = new Map();
  /** @type {{ kind: string, line: HTMLElement }[]} */
  #lines = [];

  constructor() {
    // It scrolls, and so by keyboard.
    this.#list.tabIndex = 0;
    for (const box of document.querySelectorAll('fieldset input')) {
      if (!(box instanceof HTMLInputElement)) continue;
      this.#boxes.set(box.name, box);
      box.addEventListener('change', () => this.#show());
    }
  }

  clear() {
    this.#lines = [];
    this.#list.replaceChildren();
  }

  /** @param {readonly Happening[]} happenings the oldest first */
  add(happenings) {
    for (const happening of happenings) {
      const known = KINDS[happening.what];
      if (known === undefined) continue;
      const times = happening.count > 1 ? ` (${happening.count} times)` : '';
      const text = `${happening.origin}: ${happening.says}${times}`;
      const line = element('li', {}, element('time', {}, time(happening.at)), element('span', {}, text));
      mark(line, 'data-mood', known.bad && 'bad');
      line.hidden = !this.#boxes.get(known.kind)?.checked;
      this.#lines.push({ kind: known.kind, line });
      this.#list.prepend(line);
      this.#forgetOne(known.kind);
    }
  }

  /** @param {string} kind */
  #forgetOne(kind) {
    const alike = this.#lines.filter((line) => line.kind === kind);
    const oldest = alike[0];
    if (alike.length <= MOST || oldest === undefined) return;
    oldest.line.remove();
    this.#lines.splice(this.#lines.indexOf(oldest), 1);
  }

  #show() {
    for (const { kind, line } of this.#lines) line.hidden = !this.#boxes.get(kind)?.checked;
  }
}
