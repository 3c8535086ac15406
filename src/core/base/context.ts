import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Runs `fn` outside the async context of the current request. Timers, sockets and resolvers outlive a request: they
 * would keep its stores, and pass them to others.
 */
export const outsideRequests: <Result>(fn: () => Result) => Result = AsyncLocalStorage.snapshot();
