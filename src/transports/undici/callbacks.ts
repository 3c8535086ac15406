import { errors } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';

/** By which undici's agents say that they have closed, to those who ask for no promise. */
export type Callback = (error: Error | null, data?: null) => void;

export function promised(start: (done: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

export function assertCallback(callback: unknown): void {
  if (typeof callback !== 'function') throw new errors.InvalidArgumentError('invalid callback');
}

/** Out of the promise, so that what the callback throws is an uncaught exception, as undici has it. */
export function callWhen(ended: Promise<unknown>, callback: Callback): void {
  void ended.then(() => queueMicrotask(() => callback(null, null)));
}
