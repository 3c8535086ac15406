import type { Clock } from '../../base/clock.ts';
import { ApiError, type ApiResponse, type ApiTransport } from './api.ts';
import { Deadline } from './deadline.ts';
import { LineSplitter } from './lines.ts';

const ANSWER_TIMEOUT = 15_000;
const WATCH_GRACE = 30_000;
const LONGEST_REASON = 64 * 1024;

/** What evenkeel reads in any object of the API. */
export interface ApiObject {
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
}

export interface ApiList<T> extends ApiObject {
  readonly items?: readonly T[] | null;
}

/** One line of a watch. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

export interface WatchTimes {
  /** After how many milliseconds the server should end the watch. */
  readonly duration: number;
  /** After how many milliseconds of silence the watch counts as dead. */
  readonly silence: number;
}

/** Hears about a collection. */
export interface WatchListener<T> {
  /** The whole collection. What isn't in it is gone. */
  onList(items: readonly T[]): void;
  /** Changes that arrived together, in order. */
  onEvents(events: readonly WatchEvent<T>[]): void;
  /** A watch is open: changes arrive from now on. There may be none yet. */
  onOpen(): void;
  /** A request failed, and is tried again. What was known may be out of date. */
  onFailure(error: Error): void;
}

/** Reads the Kubernetes API: objects, and watches. Every wait has an end. */
export class ApiClient {
  readonly #transport: ApiTransport;
  readonly #clock: Clock;

  constructor(transport: ApiTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** @throws ApiError if the status isn't 200; another error if no answer came, or if it was cut off */
  get<T>(path: string, signal: AbortSignal): Promise<T> {
    return readObject(this.#clock, signal, (signal) => this.#transport.get(path, signal));
  }

  /**
   * Follows a watch. Resolves when the server ends it. Rejects if it breaks, is silent, takes too long, `signal`
   * aborts, or a listener throws.
   */
  async watch<T>(
    path: string,
    { duration, silence }: WatchTimes,
    listener: Pick<WatchListener<T>, 'onOpen' | 'onEvents'>,
    signal: AbortSignal,
  ): Promise<void> {
    const deadline = new Deadline(this.#clock, signal);
    const end = this.#clock.now() + duration + WATCH_GRACE;
    const lines = new LineSplitter();
    try {
      const allow = () => deadline.extend(Math.min(silence, end - this.#clock.now()));
      // Some proxies hold the headers back until there is a body.
      allow();
      const body = await bodyOf(this.#transport.get(path, deadline.signal));
      allow();
      listener.onOpen();
      for await (const chunk of body) {
        allow();
        const events = lines
          .push(chunk)
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as WatchEvent<T>);
        if (events.length > 0) listener.onEvents(events);
      }
      if (lines.cut) throw new SyntaxError('the watch ended in the middle of an event');
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : error;
    } finally {
      deadline.clear();
    }
  }
}

/**
 * Reads the object that a request returns.
 *
 * @throws ApiError if the API refuses; another error if no answer came, or if it was cut off
 */
export async function readObject<T>(
  clock: Clock,
  signal: AbortSignal,
  request: (signal: AbortSignal) => Promise<ApiResponse>,
): Promise<T> {
  const deadline = new Deadline(clock, signal);
  deadline.extend(ANSWER_TIMEOUT);
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await bodyOf(request(deadline.signal))) {
      deadline.extend(ANSWER_TIMEOUT);
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString()) as T;
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    deadline.clear();
  }
}

async function bodyOf(answer: Promise<ApiResponse>): Promise<AsyncIterable<Uint8Array>> {
  const response = await answer;
  // 201 is the answer to a question that is written as an object.
  if (response.status !== 200 && response.status !== 201) throw await errorIn(response);
  return response.body;
}

async function errorIn({ status, retryAfter, body }: ApiResponse): Promise<ApiError> {
  let text = '';
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString();
    if (text.length > LONGEST_REASON) break;
  }
  try {
    return ApiError.of(JSON.parse(text), status, retryAfter);
  } catch {
    // Under load, the API says the reason in a plain line. A whole page comes from a proxy.
    const message = /^[^<\n]{1,200}$/.test(text.trim()) ? text.trim() : undefined;
    return ApiError.of({ message }, status, retryAfter);
  }
}
