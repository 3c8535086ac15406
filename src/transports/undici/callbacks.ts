import { errors } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';

/** How undici's agents report that they have closed, to callers that don't use the promise. */
export type Callback = (error: Error | null, data?: null) => void;

export function promised(start: (done: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

export function assertCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw new errors.InvalidArgumentError('invalid callback');
}

/** Called outside the promise, so that an exception of the callback is uncaught, as with undici. */
export function callWhen(ended: Promise<unknown>, callback: Callback): void {
  void ended.then(() => queueMicrotask(() => callback(null, null)));
}
