// What happened, in sentences, the newest first.
import { byId, element, mark } from './dom.js';
import { duration, many, time } from './format.js';

/** @typedef {import('../happenings.ts').Happening} Happening */

/** Lines that are shown, of each kind. */
const MOST = 200;

/** @type {Record<string, { kind: string, bad?: true, say: (happening: Happening) => string }>} */
const SENTENCES = {
  'discovery:update': {
    kind: 'discovery',
    say: ({ endpoints = 0, source }) => `${many(endpoints, 'endpoint')} by ${source}`,
  },
  'discovery:error': { kind: 'discovery', bad: true, say: ({ error }) => `nothing newer is known: ${error}` },
  'endpoint:add': { kind: 'discovery', say: ({ address }) => `${address} is new` },
  'endpoint:remove': {
    kind: 'discovery',
    say: ({ address, reason }) => `${address} has left (${reason})`,
  },
  'endpoint:eject': {
    kind: 'ejections',
    bad: true,
    say: ({ address, reason, duration: time }) =>
      `${address} is ejected for ${reason}, ${time ? `for ${duration(time)}` : 'until its health checks pass'}`,
  },
  'endpoint:restore': {
    kind: 'ejections',
    say: ({ address, reason }) => `${address} is back (${reason})`,
  },
  'request:retry': {
    kind: 'retries',
    say: ({ address, reason, error }) =>
      `sent again, not to ${address}: ${reason}${error ? `, ${error}` : ''}`,
  },
  'connection:open': { kind: 'connections', say: ({ address }) => `connected to ${address}` },
  'connection:retire': {
    kind: 'connections',
    say: ({ address, reason, requests = 0 }) =>
      `a connection to ${address} retires (${reason}) after ${many(requests, 'request')}`,
  },
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
      const sentence = SENTENCES[happening.what];
      if (sentence === undefined) continue;
      const times = happening.count > 1 ? ` (${happening.count} times)` : '';
      const text = `${happening.origin}: ${sentence.say(happening)}${times}`;
      const line = element('li', {}, element('time', {}, time(happening.at)), element('span', {}, text));
      mark(line, 'data-mood', sentence.bad && 'bad');
      line.hidden = !this.#boxes.get(sentence.kind)?.checked;
      this.#lines.push({ kind: sentence.kind, line });
      this.#list.prepend(line);
      this.#forgetOne(sentence.kind);
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
