import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import { Call } from '../../core/calls/call.ts';
import { asksForEventStream } from '../common/event-stream.ts';
import { withoutQuery } from '../common/without-query.ts';
import { BodyWatch } from './body-watch.ts';
import { assertRequest } from './checks.ts';
import { isRepeatable, isReplayable } from './repeatable.ts';
import type { Streams } from './request.ts';
import type { RequestOptions } from './request-options.ts';
import { publishUnsent } from './trace.ts';
import type { UndiciService } from './undici-service.ts';

export type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** What handlers of both kinds may have. */
export type SharedHooks = Pick<
  Dispatcher.DispatchHandler,
  'onBodySent' | 'onRequestSent' | 'onResponseStarted'
>;

/** What a caller asked for, and how its handler hears about it while no Client has the request. */
export abstract class UndiciCall extends Call {
  readonly options: RequestOptions;
  readonly lasting: boolean;
  /** Those of the connection that has it, if that carries many. */
  protected streams: Streams | undefined = undefined;
  /** Whether a Client has had it. Then the Client tells tracers how it ends. */
  private given = false;
  /** Whether the caller's handler has been told the outcome. */
  settled = false;
  aborted = false;
  /** Whether its body was written to the end. */
  protected written = false;
  protected readonly service: UndiciService;
  /** Whether the caller's handler has been told that it has begun. */
  protected begun = false;
  private bodyWatch: BodyWatch | undefined = undefined;

  constructor(options: RequestOptions, service: UndiciService) {
    super();
    this.options = options;
    this.service = service;
    this.lasting = options.upgrades || asksForEventStream(options.headers);
  }

  get upgrades(): boolean {
    return this.options.upgrades;
  }

  get repeatable(): boolean {
    return isRepeatable(this.options);
  }

  override get isHandedOver(): boolean {
    return this.written || isReplayable(this.options.body);
  }

  get method(): string {
    return this.options.method;
  }

  describe(): { method: string; path: string } {
    const { method, path } = this.options;
    return { method, path: withoutQuery(path) };
  }

  check(): void {
    assertRequest(this.options);
  }

  startWaiting(): void {
    this.bodyWatch = BodyWatch.of(this);
  }

  stopWaiting(): void {
    this.bodyWatch?.leave();
    this.bodyWatch = undefined;
  }

  /** A Client gets it. */
  onGiven(streams: Streams | undefined): void {
    this.given = true;
    this.streams = streams;
  }

  /** Ends it with an error, wherever it is. */
  abstract cancel(reason: Error): void;

  // Calls the caller's handler, of either kind.
  protected abstract callStart(context: unknown): void;
  protected abstract callUpgrade(statusCode: number, headers: Headers, socket: Duplex): void;
  protected abstract callHeaders(statusCode: number, headers: Headers, statusMessage?: string): void;
  protected abstract callData(chunk: Buffer): void;
  protected abstract callEnd(trailers: Headers): void;
  protected abstract callError(error: Error): void;

  /** Tells the caller that the request has begun, although it waits. From now on the caller can abort it. */
  begin(): void {
    if (this.begun) return;
    this.begun = true;
    try {
      this.callStart(null);
    } catch (error) {
      // If the handler throws, that is no abort, as with undici.
      this.service.calls.onAbandoned(this, error as Error);
    }
  }

  /**
   * Ends the request with an error while no Client has it. If the caller's handler throws then, that is an uncaught
   * exception, as with undici, and no other request notices.
   */
  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    this.trace(error);
    try {
      this.callError(error);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  /** Tells tracers that it failed, if no Client has had it. */
  protected trace(error: Error): void {
    if (this.given) return;
    const publish = () => publishUnsent(this.options, this.service.url.origin, error);
    if (this.context === undefined) publish();
    else this.context.runInAsyncScope(publish);
  }
}
