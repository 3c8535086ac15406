// The page: hears what is known of the process, and has each part show its own.
import { readColours } from './charts.js';
import { byId, mark, write } from './dom.js';
import { Pace } from './history.js';
import { Log } from './log.js';
import { ServiceCard } from './service-card.js';
import { drawSettings } from './settings.js';

/**
 * @typedef {import('../view.ts').View} View
 * @typedef {import('../view.ts').Moment} Moment
 * @typedef {import('../happenings.ts').Happening} Happening
 */

const services = byId('services');
const link = byId('link');
const pause = byId('pause');
const log = new Log();
/** @type {Map<string, ServiceCard>} */
const cards = new Map();
const pace = new Pace();
let isPaused = false;
let isDrawing = false;

/** @param {View & { happened: Happening[] }} view */
function hello(view) {
  const { host, pid, node, evenkeel, startedAt } = view.process;
  write(byId('process'), `${host}, process ${pid}, evenkeel ${evenkeel}, Node.js ${node}`);
  document.title = `${host}: evenkeel`;
  mark(byId('process'), 'title', `since ${new Date(startedAt).toLocaleString('en-GB')}`);
  drawSettings(view.agents);
  log.clear();
  moment(view);
}

/** @param {Moment & { happened: Happening[] }} moment */
function moment({ at, services: known, happened }) {
  const seconds = pace.next(at);
  for (const [origin, card] of cards) {
    if (origin in known) continue;
    card.element.remove();
    cards.delete(origin);
  }
  for (const [origin, stats] of Object.entries(known)) cardOf(origin).update(stats, seconds);
  log.add(happened);
  drawSoon();
}

/** @param {string} origin */
function cardOf(origin) {
  let card = cards.get(origin);
  if (card === undefined) {
    card = new ServiceCard(origin);
    cards.set(origin, card);
    services.querySelector('.none')?.remove();
    services.append(card.element);
  }
  return card;
}

/** What nobody sees is not drawn. */
function drawSoon() {
  if (isDrawing || isPaused || document.hidden) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    for (const card of cards.values()) card.draw();
  });
}

/** @param {string} text */
function say(text, isLost = false) {
  write(link, text);
  mark(link, 'data-lost', isLost ? '' : undefined);
}

pause.addEventListener('click', () => {
  isPaused = !isPaused;
  mark(pause, 'aria-pressed', String(isPaused));
  write(pause, isPaused ? 'Go on' : 'Pause');
  drawSoon();
});
document.addEventListener('visibilitychange', drawSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  readColours();
  drawSoon();
});
readColours();

const events = new EventSource('events');
events.addEventListener('open', () => say('live'));
events.addEventListener('error', () => say('the process does not answer; trying again …', true));
events.addEventListener('hello', ({ data }) => hello(JSON.parse(data)));
events.addEventListener('moment', ({ data }) => moment(JSON.parse(data)));
