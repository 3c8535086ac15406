import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { channels } from '../core/base/channels.ts';
import { wallClock } from '../core/base/clock.ts';

/** Something that happened to the services of this process, for people: what there is to tell, and no more. */
export interface Happening {
  /** Milliseconds since 1970; of the first, where `count` is above 1. */
  readonly at: number;
  /** The name of the channel, without `evenkeel:`. */
  readonly what: string;
  readonly origin: string;
  readonly address?: string;
  readonly reason?: string;
  /** Milliseconds; null for no set time. */
  readonly duration?: number | null;
  /** Of a connection: the requests that it carried. */
  readonly requests?: number;
  /** Of an update of discovery. */
  readonly source?: string;
  readonly endpoints?: number;
  /** Code and message of an error. */
  readonly error?: string;
  /** How often it happened, within a second. */
  count: number;
}

type Message = Readonly<Record<string, unknown>>;
type Kind = keyof typeof channels;

/** Those that come and go all the time. They don't push the others out. */
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
/** Milliseconds in which the same is told as one. */
const AT_ONCE = 1_000;
const LONGEST_ERROR = 200;

/** Remembers what happened last, and gathers what has happened since somebody looked. */
export class Happenings {
  readonly #rare: Happening[] = [];
  readonly #frequent: Happening[] = [];
  /** Those of the last moment, by what they have in common. */
  readonly #alike = new Map<string, Happening>();
  /** While somebody watches. */
  #news: Happening[] | undefined;
  readonly #onRare: () => void;
  readonly #listeners: readonly (readonly [name: string, listener: (message: unknown) => void])[];

  /** @param onRare something has happened that people want to see at once */
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

  /** What happened last, in order. */
  get last(): Happening[] {
    return [...this.#rare, ...this.#frequent].sort((a, b) => a.at - b.at);
  }

  /** Gathers what happens from now on. */
  watch(): void {
    this.#news = [];
    this.#alike.clear();
  }

  unwatch(): void {
    this.#news = undefined;
  }

  /** What has happened since the last reading. */
  takeNews(): Happening[] {
    const news = this.#news ?? [];
    this.#news = [];
    this.#alike.clear();
    return news;
  }

  #listener(kind: Kind, list: Happening[]): readonly [string, (message: unknown) => void] {
    const name = String(channels[kind].name);
    const what = name.replace('evenkeel:', '');
    return [name, (message) => this.#add(happeningOf(what, message as Message), list)];
  }

  #add(happening: Happening, list: Happening[]): void {
    const { what, origin, address, reason } = happening;
    const key = [what, origin, address, reason].join(' ');
    const known = this.#alike.get(key);
    if (known !== undefined && happening.at - known.at < AT_ONCE && what !== 'discovery:update') {
      known.count++;
      return;
    }
    if (this.#alike.size >= MOST_NEWS) this.#alike.clear();
    this.#alike.set(key, happening);
    list.push(happening);
    if (list.length > MOST) list.shift();
    if (this.#news !== undefined && this.#news.length < MOST_NEWS) this.#news.push(happening);
    if (list === this.#rare) this.#onRare();
  }
}

function happeningOf(what: string, message: Message): Happening {
  const { origin, address, reason, duration, requests, source, endpoints, error } = message;
  return {
    at: wallClock(),
    what,
    origin: String(origin),
    ...(typeof address === 'string' && { address }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof duration === 'number' && {
      duration: Number.isFinite(duration) ? Math.round(duration) : null,
    }),
    ...(typeof requests === 'number' && { requests }),
    ...(typeof source === 'string' && { source }),
    ...(Array.isArray(endpoints) && { endpoints: endpoints.length }),
    ...(error instanceof Error && { error: saidBy(error) }),
    count: 1,
  };
}

function saidBy(error: Error): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const text = code === undefined || message.includes(code) ? message : `${code}: ${message}`;
  return text.slice(0, LONGEST_ERROR);
}
