import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Runs `fn` outside the async context of the request on whose behalf it happens. For what outlives that:
 * timers, sockets and resolvers would keep its stores, and give them to others.
 */
export const outsideRequests: <Result>(fn: () => Result) => Result = AsyncLocalStorage.snapshot();
