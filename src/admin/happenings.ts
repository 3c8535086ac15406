import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { channels } from '../core/base/channels.ts';
import { wallClock } from '../core/base/clock.ts';
import { type Message, sentenceOf } from './sentences.ts';

/** An event of the services of this process, in words. */
export interface Happening {
  /** When it happened, in milliseconds since 1970. If `count` is above 1, when it first happened. */
  readonly at: number;
  /** The name of the channel, without `evenkeel:`. */
  readonly what: string;
  readonly origin: string;
  readonly address?: string;
  /** In words. */
  readonly says: string;
  /** How many times it happened within a second. */
  count: number;
}

type Kind = keyof typeof channels;

/** Frequent events. They don't push the others out. */
const FREQUENT: readonly Kind[] = ['connectionOpen', 'connectionRetire', 'requestRetry'];
const RARE: readonly Kind[] = [
  'discoveryUpdate',
  'discoveryError',
  'endpointAdd',
  'endpointRemove',
  'endpointEject',
  'endpointRestore',
];
const MOST = 300;
const MOST_NEWS = 200;
/** Equal events within so many milliseconds are one. */
const AT_ONCE = 1_000;

/** Remembers the last events, and collects the new ones while somebody watches. */
export class Happenings {
  readonly #rare: Happening[] = [];
  readonly #frequent: Happening[] = [];
  /** The events of the last moment, by what makes them equal. */
  readonly #alike = new Map<string, Happening>();
  /** What the last look-up of each origin has found, in words. */
  readonly #found = new Map<string, string>();
  /** The new events; `undefined` while nobody watches. */
  #news: Happening[] | undefined;
  readonly #onRare: () => void;
  readonly #listeners: readonly (readonly [name: string, listener: (message: unknown) => void])[];

  /** @param onRare called for events that people want to see at once */
  constructor(onRare: () => void) {
    this.#onRare = onRare;
    this.#listeners = [
      ...RARE.map((kind) => this.#listener(kind, this.#rare)),
      ...FREQUENT.map((kind) => this.#listener(kind, this.#frequent)),
    ];
    for (const [name, listener] of this.#listeners) subscribe(name, listener);
  }

  stop(): void {
    for (const [name, listener] of this.#listeners) unsubscribe(name, listener);
  }

  /** The last events, in order. */
  get last(): Happening[] {
    return [...this.#rare, ...this.#frequent].sort((a, b) => a.at - b.at);
  }

  /** Collects events from now on. */
  watch(): void {
    this.#news = [];
    this.#alike.clear();
  }

  unwatch(): void {
    this.#news = undefined;
  }

  /** The events since the last call. */
  takeNews(): Happening[] {
    const news = this.#news ?? [];
    this.#news = [];
    this.#alike.clear();
    return news;
  }

  #listener(kind: Kind, list: Happening[]): readonly [string, (message: unknown) => void] {
    const name = String(channels[kind].name);
    const what = name.replace('evenkeel:', '');
    return [name, (message) => this.#add(kind, what, message as Message, list)];
  }

  #add(kind: Kind, what: string, message: Message, list: Happening[]): void {
    // Equal events become one, and more people see a page than a log. So method and path are left out.
    const { method, path, ...told } = message;
    const { origin, address, reason } = told;
    const at = wallClock();
    const key = `${what} ${origin} ${address} ${reason}`;
    const known = this.#alike.get(key);
    if (known !== undefined && at - known.at < AT_ONCE && kind !== 'discoveryUpdate') {
      known.count++;
      return;
    }
    const says = sentenceOf(kind, told);
    if (this.#isOldNews(kind, String(origin), says)) return;
    const happening: Happening = {
      at,
      what,
      origin: String(origin),
      ...(typeof address === 'string' && { address }),
      says,
      count: 1,
    };
    if (this.#alike.size >= MOST_NEWS) this.#alike.clear();
    this.#alike.set(key, happening);
    list.push(happening);
    if (list.length > MOST) list.shift();
    if (this.#news !== undefined && this.#news.length < MOST_NEWS) this.#news.push(happening);
    if (list === this.#rare) this.#onRare();
  }

  /** Whether a look-up has found what the one before it found. DNS is asked every few seconds. */
  #isOldNews(kind: Kind, origin: string, says: string): boolean {
    if (kind === 'discoveryError') this.#found.delete(origin);
    if (kind !== 'discoveryUpdate') return false;
    if (this.#found.get(origin) === says) return true;
    if (this.#found.size >= MOST) this.#found.clear();
    this.#found.set(origin, says);
    return false;
  }
}
