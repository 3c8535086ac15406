import { Agent, type Dispatcher, Dispatcher1Wrapper } from 'undici';

export type Api = 'request' | 'fetch';

export interface Case {
  api: Api;
  concurrency: number;
  /** In one round: a third of a second's worth, or so. */
  requests: number;
  /** Few where garbage is much of the cost: it is collected in later turns, by whoever has them. */
  turns: number;
  /** How much better than a stock Agent, at least. */
  atLeast: number;
}

export const CASES: readonly Case[] = [
  { api: 'request', concurrency: 1, requests: 8_000, turns: 16, atLeast: 0.97 },
  { api: 'request', concurrency: 10, requests: 15_000, turns: 8, atLeast: 1 },
  { api: 'request', concurrency: 100, requests: 15_000, turns: 5, atLeast: 1.05 },
  { api: 'request', concurrency: 500, requests: 10_000, turns: 2, atLeast: 1.2 },
  { api: 'fetch', concurrency: 10, requests: 6_000, turns: 1, atLeast: 1 },
  { api: 'fetch', concurrency: 100, requests: 6_000, turns: 1, atLeast: 1 },
];

/** Sends a request and reads the response, by way of undici's `request` or of built-in `fetch`. */
export function sender(api: Api, agent: Dispatcher, origin: string): () => Promise<unknown> {
  if (api === 'request') {
    const options = { origin, path: '/', method: 'GET' } as const;
    return async () => (await agent.request(options)).body.dump();
  }
  // Agents of undici need help with callers of the older generation; ours don't.
  const dispatcher = agent instanceof Agent ? new Dispatcher1Wrapper(agent) : agent;
  // The types of built-in fetch know the dispatchers of the undici inside Node only.
  const init = { dispatcher } as unknown as RequestInit;
  return async () => (await fetch(`${origin}/`, init)).text();
}
