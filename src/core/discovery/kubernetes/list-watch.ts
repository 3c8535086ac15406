import type { Clock } from '../../base/clock.ts';
import { until } from '../dns/abortable.ts';
import { ApiError } from './api.ts';
import type { ApiClient, ApiList, ApiObject, WatchEvent, WatchListener } from './api-client.ts';
import { Backoff } from './backoff.ts';
import { SilenceError } from './deadline.ts';
import type { Scouts } from './scouts.ts';

// Versions to ask for that mean something else than a version.
const ANY = '0';
const LATEST = '';

const SHORTEST_WATCH = 300_000;
const RELIST_SPREAD = 5_000;
const RECONNECT_SPREAD = 1_000;
/** Milliseconds over which those spread that hear that the server is well again. */
const NEWS_SPREAD = 500;
const STABLE_AFTER = 10_000;
/** A watch carries a bookmark about every minute, unless in the whole cluster nothing of its kind has changed since. */
const SILENCE = 90_000;
const LONGEST_SILENCE = 600_000;
const SOON = 5_000;
/** A server may come back from a longer one with another history: restored from a backup, say. */
const LONG_OUTAGE = 30_000;
/** For so long, a server that refuses what it allowed before may be one that has yet to learn who may do what. */
const COMING_BACK = 60_000;

export interface ListWatchOptions<T> {
  client: ApiClient;
  /** The path of the collection, with the query that selects in it. */
  path: string;
  listener: WatchListener<T>;
  clock: Clock;
  random: () => number;
  /** Milliseconds over which the first list is spread at random. */
  startSpread: number;
  /** Whether to try as rarely as after a refusal. */
  isHopeless: () => boolean;
  /** Which of the client's watches asks for all while the API fails. */
  scouts: Scouts;
}

/**
 * Lists a collection, then watches it, for as long as `signal` lets it, as client-go's reflector does:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class ListWatch<T extends ApiObject> {
  readonly #options: ListWatchOptions<T>;
  readonly #backoff: Backoff;
  /** Of the latest state that is known; a list brings no older one. */
  #resourceVersion = ANY;
  /** Before the next watch there's a list. */
  #mustList = true;
  #listedAt = Number.NEGATIVE_INFINITY;
  #failingSince: number | undefined;
  /** Since when the server answers, and with nothing but refusals. */
  #refusingSince: number | undefined;
  /** The current watch, or the last, has said something. */
  #heard = false;
  #wasWatched = false;
  /** Of the current watch. */
  #openedAt = Number.POSITIVE_INFINITY;
  /** How long a watch may say nothing. */
  #silence = SILENCE;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.random);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, listener, startSpread, scouts } = this.#options;
    await until(clock.now() + random() * startSpread, clock, signal);
    while (!signal.aborted) {
      let pause: number;
      let news: AbortSignal | undefined;
      try {
        this.#openedAt = Number.POSITIVE_INFINITY;
        if (this.#mustList) await this.#list(signal);
        pause = await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) break;
        listener.onFailure(error as Error);
        this.#fail(error);
        news = this.#newsAfter(error);
        pause = news === undefined ? this.#pauseAfter(error) : this.#backoff.whileOthersAsk();
      }
      await until(clock.now() + pause, clock, signal, ...(news === undefined ? [] : [news]));
      if (news?.aborted) await until(clock.now() + random() * NEWS_SPREAD, clock, signal);
    }
    scouts.dismiss(this);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, path, listener, clock } = this.#options;
    // From the server's cache: consistent reads by thousands of clients at once are what etcd fears most. Yet
    // nothing older than what is known, for the cache of one server may lag behind that of another.
    const list = await client.get<ApiList<T>>(`${path}&resourceVersion=${this.#resourceVersion}`, signal);
    listener.onList(list.items ?? []);
    this.#resourceVersion = list.metadata?.resourceVersion ?? ANY;
    this.#mustList = false;
    this.#listedAt = clock.now();
    this.#failingSince = undefined;
  }

  /** Resolves, when the server ended the watch in peace, with how long to wait before the next. */
  async #watch(signal: AbortSignal): Promise<number> {
    const { client, path, clock, random, listener, scouts } = this.#options;
    const duration = SHORTEST_WATCH * (1 + random());
    const query = new URLSearchParams({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#resourceVersion,
      timeoutSeconds: String(Math.round(duration / 1_000)),
    });
    const start = clock.now();
    this.#heard = false;
    const times = { duration, silence: this.#silence };
    const onEvents = (events: readonly WatchEvent<T>[]) => this.#take(events);
    const onOpen = () => {
      this.#failingSince = undefined;
      this.#refusingSince = undefined;
      this.#wasWatched = true;
      this.#backoff.allowed();
      this.#openedAt = clock.now();
      scouts.opened(this);
      listener.onOpen();
    };
    try {
      await client.watch<T>(`${path}&${query}`, times, { onOpen, onEvents }, signal);
    } catch (error) {
      if (this.#heard || !(error instanceof SilenceError)) throw error;
      return this.#afterSilence();
    }
    const lasted = clock.now() - start;
    // One that ends at once, with nothing said, would be opened again and again.
    if (!this.#heard && lasted < RECONNECT_SPREAD) return this.#backoff.next();
    // One that ends early is ended for all: the server goes away.
    return lasted < duration / 2 ? random() * RECONNECT_SPREAD : 0;
  }

  /**
   * The watch never said a word. It may be that nothing happened, and then the next one is given more time. Or the
   * server has yet to reach the version that the watch was to start from, for its history is another one now, or
   * it is dead: a list tells.
   */
  #afterSilence(): number {
    this.#silence = Math.min(this.#silence * 2, LONGEST_SILENCE);
    this.#mustList = true;
    return this.#options.random() * RECONNECT_SPREAD;
  }

  #take(events: readonly WatchEvent<T>[]): void {
    const error = events.findIndex((event) => event.type === 'ERROR');
    const good = error === -1 ? events : events.slice(0, error);
    if (good.length > 0) {
      this.#heard = true;
      this.#silence = SILENCE;
    }
    this.#resourceVersion = good.at(-1)?.object.metadata?.resourceVersion ?? this.#resourceVersion;
    const changes = good.filter((event) => event.type !== 'BOOKMARK');
    if (changes.length > 0) this.#options.listener.onEvents(changes);
    if (error !== -1) throw ApiError.of(events[error]?.object);
  }

  #fail(error: unknown): void {
    const now = this.#options.clock.now();
    this.#failingSince ??= now;
    if (error instanceof ApiError) this.#refusingSince ??= now;
    else this.#refusingSince = undefined;
    if (this.#mayHaveMissed(error)) this.#mustList = true;
    if (error instanceof ApiError && error.ahead) this.#resourceVersion = LATEST;
  }

  /**
   * Where another watch, which fails as well, asks for this one: what aborts when there is news. What one can't read says
   * nothing of the others.
   */
  #newsAfter(error: unknown): AbortSignal | undefined {
    const { scouts, isHopeless } = this.#options;
    const isOutage = this.#wasWatched && (!(error instanceof ApiError) || this.#isComingBack(error));
    if (!isOutage || isHopeless()) scouts.dismiss(this);
    else if (!(error instanceof SyntaxError)) return scouts.send(this, error);
    return undefined;
  }

  #pauseAfter(error: unknown): number {
    const { clock, random, isHopeless } = this.#options;
    const now = clock.now();
    if (now - this.#openedAt > STABLE_AFTER) this.#backoff.reset();
    if (error instanceof ApiError && hasAnotherHistory(error)) {
      const again = now - this.#listedAt < SOON;
      // All clients of a server that lost its history learn of it at the same moment.
      return random() * RELIST_SPREAD + (again ? this.#backoff.next() : 0);
    }
    if (isHopeless()) return this.#backoff.refusal();
    return this.#isComingBack(error) ? this.#backoff.afterAnswer(error) : this.#backoff.after(error);
  }

  /** Whether a server that gave what is asked for refuses it, and hasn't done so for long. One that has too much to do is left alone. */
  #isComingBack(error: unknown): error is ApiError {
    if (!this.#wasWatched || !(error instanceof ApiError)) return false;
    if (error.status === 429 || hasAnotherHistory(error)) return false;
    return this.#options.clock.now() - this.#refusingSince! < COMING_BACK;
  }

  /** Whether a watch from where the last one stood could hide changes, so that it takes a list. */
  #mayHaveMissed(error: unknown): boolean {
    if (error instanceof ApiError && hasAnotherHistory(error)) return true;
    // What can't be understood may have been a change.
    if (error instanceof SyntaxError) return true;
    return this.#options.clock.now() - (this.#failingSince ?? 0) > LONG_OUTAGE;
  }
}

/** Whether a server has no longer, or not yet, the version that was asked for. */
function hasAnotherHistory({ expired, ahead }: ApiError): boolean {
  return expired || ahead;
}
