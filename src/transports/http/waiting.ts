import { AsyncResource } from 'node:async_hooks';
import type { Clock } from '../../core/base/clock.ts';
import { replaceMethod } from '../common/own-method.ts';
import { ConnectTime } from './connect-time.ts';
import type { DialSteps } from './dial-steps.ts';
import type { NodeRequest } from './node-http.ts';

export interface WaitingOptions {
  clock: Clock;
  /** After how many milliseconds the request emits `'timeout'`, as one with a connecting socket would; 0: never. */
  timeout: number;
  /** How far the dials are that may bring it a socket. */
  dials?: DialSteps;
  /** Its caller has ended it. */
  onDestroyed: (error?: Error) => void;
}

/**
 * A request without a socket. Node reports nothing about it meanwhile. So its timeout, and its end by the caller, are
 * watched here.
 */
export class Waiting {
  readonly request: NodeRequest;
  /** Whether it has timed out, and emitted `'timeout'`. */
  timedOut = false;
  /** Called before it emits `'timeout'`, because it must have a socket then. */
  beforeTimeout: (() => void) | undefined = undefined;
  readonly #restore: () => void;
  readonly #time: ConnectTime | undefined;
  readonly #context = new AsyncResource('EVENKEEL_WAITER');

  constructor(request: NodeRequest, options: WaitingOptions) {
    const { clock, timeout: milliseconds, dials, onDestroyed } = options;
    this.request = request;
    this.#restore = interceptDestroy(request, onDestroyed);
    if (milliseconds <= 0) return;
    this.#time = new ConnectTime(request, { clock, milliseconds, dials }, () => this.onTimeout());
  }

  stop(): void {
    this.#time?.stop();
    this.#restore();
  }

  /** Calls `fn` in the context of the caller. */
  run(fn: () => void): void {
    this.#context.runInAsyncScope(fn);
  }

  /** Its time has run out, or that of its socket. */
  onTimeout(): void {
    if (this.timedOut) return;
    this.timedOut = true;
    this.run(() => {
      this.beforeTimeout?.();
      if (!this.request.destroyed) this.request.emit('timeout');
    });
  }
}

/** Calls `onDestroyed` when the caller ends a request. Returns a function that stops this. */
export function interceptDestroy(request: NodeRequest, onDestroyed: (error?: Error) => void): () => void {
  const { destroy } = request;
  let isOver = false;
  const intercept: NodeRequest['destroy'] = (error) => {
    if (isOver) return destroy.call(request, error);
    stop();
    destroy.call(request, error);
    onDestroyed(error);
    return request as ReturnType<NodeRequest['destroy']>;
  };
  const restore = replaceMethod(request, 'destroy', intercept);
  const stop = () => {
    isOver = true;
    // If other code has wrapped it meanwhile, it keeps calling this one.
    if (request.destroy === intercept) restore();
  };
  return stop;
}
