import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Resolves with the next message on a channel. */
export function published(name: string): Promise<unknown> {
  return new Promise((resolve) => {
    const listener = (message: unknown) => {
      unsubscribe(name, listener);
      resolve(message);
    };
    subscribe(name, listener);
  });
}
