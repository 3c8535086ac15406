import type { Clock } from '../../base/clock.ts';
import { until } from '../dns/abortable.ts';
import { ApiError } from './api.ts';
import type { ApiClient, ApiList, ApiObject, WatchEvent, WatchListener } from './api-client.ts';
import { Backoff } from './backoff.ts';
import { ComingBack } from './coming-back.ts';
import { SilenceError } from './deadline.ts';
import type { Reason, Scouts } from './scouts.ts';
import { isOlder } from './versions.ts';

// Special values in place of a version.
const ANY = '0';
const LATEST = '';

const SHORTEST_WATCH = 300_000;
const RELIST_SPREAD = 5_000;
const RECONNECT_SPREAD = 1_000;
/** Over how many milliseconds watches spread that hear that the server is well again. */
const NEWS_SPREAD = 500;
const STABLE_AFTER = 10_000;
/** A watch gets a bookmark about every minute, unless nothing of its kind has changed in the whole cluster. */
const SILENCE = 90_000;
const LONGEST_SILENCE = 600_000;
const SOON = 5_000;
/** After a longer outage, a server may have another history: it may be restored from a backup, for example. */
const LONG_OUTAGE = 30_000;

export interface ListWatchOptions<T> {
  client: ApiClient;
  /** The path of the collection, with the query that selects from it. */
  path: string;
  listener: WatchListener<T>;
  clock: Clock;
  random: () => number;
  /** Over how many milliseconds the first list is spread at random. */
  startSpread: number;
  /** Whether to try as seldom as after a refusal. */
  isHopeless: () => boolean;
  /** Decides which watch of this client asks for all while the API fails. */
  scouts: Scouts;
}

/**
 * Lists a collection, then watches it, until `signal` aborts, as client-go's reflector does:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class ListWatch<T extends ApiObject> {
  readonly #options: ListWatchOptions<T>;
  readonly #backoff: Backoff;
  readonly #comingBack: ComingBack;
  /** The version of the latest known state. A list never brings an older one. */
  #resourceVersion = ANY;
  /** Whether the collection must be listed before the next watch. */
  #mustList = true;
  #listedAt = Number.NEGATIVE_INFINITY;
  #failingSince: number | undefined;
  /** Whether the present or the last watch has got anything. */
  #heard = false;
  /** When the present watch was opened, on the clock. */
  #openedAt = Number.POSITIVE_INFINITY;
  /** How many milliseconds a watch may be silent. */
  #silence = SILENCE;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.random);
    this.#comingBack = new ComingBack(options.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, listener, startSpread, scouts } = this.#options;
    await until(clock.now() + random() * startSpread, clock, signal);
    while (!signal.aborted) {
      try {
        this.#openedAt = Number.POSITIVE_INFINITY;
        if (this.#mustList) await this.#list(signal);
        await this.#pause(await this.#watch(signal), signal);
      } catch (error) {
        if (signal.aborted) break;
        listener.onFailure(error as Error);
        this.#fail(error);
        if (this.#isOutage(error)) await this.#waitForScouts(error, signal);
        else await this.#pause(this.#pauseAfter(error), signal);
      }
    }
    scouts.dismiss(this);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, path, listener, clock } = this.#options;
    // From the cache of the server, because etcd can't bear consistent reads of thousands of clients at once. But not
    // older than what is known: the cache of one server may be behind that of another.
    const list = await client.get<ApiList<T>>(`${path}&resourceVersion=${this.#resourceVersion}`, signal);
    const version = list.metadata?.resourceVersion ?? ANY;
    if (isOlder(version, this.#resourceVersion)) {
      throw new ApiError(200, `the list is of version ${version}, before ${this.#resourceVersion}`, 0, true);
    }
    listener.onList(list.items ?? []);
    this.#resourceVersion = version;
    this.#mustList = false;
    this.#listedAt = clock.now();
    this.#failingSince = undefined;
  }

  /** Resolves when the server has ended the watch normally, with the milliseconds to wait before the next one. */
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
      this.#comingBack.allowed();
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
    // Otherwise, a watch that ends at once, without an event, would be opened again and again.
    if (!this.#heard && lasted < RECONNECT_SPREAD) return this.#backoff.next();
    // A watch that ends early is ended for all clients, because the server goes away.
    return lasted < duration / 2 ? random() * RECONNECT_SPREAD : 0;
  }

  /**
   * The watch got nothing at all. Perhaps nothing happened: then the next watch gets more time. Or the server doesn't
   * have the version from which the watch began, because its history is another one now, or it is dead: a list shows
   * that.
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
    const changes = good.filter((event) => this.#isNews(event) && event.type !== 'BOOKMARK');
    if (changes.length > 0) this.#options.listener.onEvents(changes);
    if (error !== -1) throw ApiError.of(events[error]?.object);
  }

  /** Versions only grow. A server that is behind another one must not bring back what has gone since. */
  #isNews({ object }: WatchEvent<T>): boolean {
    const version = object.metadata?.resourceVersion;
    if (isOlder(version, this.#resourceVersion)) return false;
    this.#resourceVersion = version ?? this.#resourceVersion;
    return true;
  }

  #pause(delay: number, ...signals: AbortSignal[]): Promise<void> {
    const { clock } = this.#options;
    return until(clock.now() + delay, clock, ...signals);
  }

  #fail(error: unknown): void {
    const now = this.#options.clock.now();
    if (now - this.#openedAt > STABLE_AFTER) this.#backoff.reset();
    this.#failingSince ??= now;
    this.#comingBack.failed(error);
    if (this.#mayHaveMissed(error)) this.#mustList = true;
    if (error instanceof ApiError && error.ahead) this.#resourceVersion = LATEST;
  }

  /** Whether the failure may concern all watches. One of what can't be read doesn't. */
  #isOutage(error: unknown): error is Error {
    if (!this.#comingBack.wasAllowed || this.#options.isHopeless() || error instanceof SyntaxError)
      return false;
    return !(error instanceof ApiError) || this.#isComingBack(error) || isBroken(error);
  }

  /** Waits until it is the turn of this watch to ask, or another one is open. */
  async #waitForScouts(error: Error, signal: AbortSignal): Promise<void> {
    const { random, scouts } = this.#options;
    const backoff = this.#backoff;
    const ask = scouts.wait(this, { error, isComingBack: this.#isComingBack(error), backoff });
    const longest = Math.max(backoff.whileOthersAsk(), error instanceof ApiError ? error.retryAfter : 0);
    await this.#pause(longest, signal, ask);
    if ((ask.reason as Reason) === 'open') await this.#pause(random() * NEWS_SPREAD, signal);
  }

  #pauseAfter(error: unknown): number {
    const { clock, random, isHopeless, scouts } = this.#options;
    scouts.dismiss(this);
    if (error instanceof ApiError && hasAnotherHistory(error)) {
      const again = clock.now() - this.#listedAt < SOON;
      // If a server has lost its history, all its clients notice at the same moment.
      return random() * RELIST_SPREAD + (again ? this.#backoff.next() : 0);
    }
    return isHopeless() ? this.#backoff.refusal() : this.#backoff.after(error);
  }

  #isComingBack(error: unknown): error is ApiError {
    return this.#comingBack.explains(error) && !hasAnotherHistory(error);
  }

  /** Whether the next watch could miss changes, so that a list is needed. */
  #mayHaveMissed(error: unknown): boolean {
    if (error instanceof ApiError && hasAnotherHistory(error)) return true;
    // What can't be parsed may have been a change.
    if (error instanceof SyntaxError) return true;
    return this.#options.clock.now() - (this.#failingSince ?? 0) > LONG_OUTAGE;
  }
}

/** Whether a server says that it doesn't work. */
function isBroken(error: ApiError): boolean {
  return error.status >= 500 && !hasAnotherHistory(error);
}

/** Whether a server no longer has the requested version, or not yet. */
function hasAnotherHistory({ expired, ahead }: ApiError): boolean {
  return expired || ahead;
}
