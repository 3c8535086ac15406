// Sends requests while a mock is there, and after it has gone, and prints who answered.

import type { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { type Dispatcher, request } from 'undici';

export interface Setting {
  readonly mock: 'nock' | 'msw';
  /** Whether the mock is there before evenkeel is, or after it. */
  readonly first: 'mock' | 'evenkeel';
  /** How evenkeel gets the requests; `stock`: it isn't there. */
  readonly way: 'installed' | 'by hand' | 'stock';
  /** Origins whose `/mocked` the mock answers. */
  readonly mocked: readonly string[];
  /** What is asked while the mock is there. */
  readonly during: readonly string[];
  /** What is asked once it has gone, and how often. */
  readonly after: string;
  readonly times: number;
}

type Send = (url: string) => Promise<string>;

interface Agents {
  readonly dispatcher?: Dispatcher;
  readonly agent?: Agent;
}

const { mock, first, way, mocked, during, after, times }: Setting = JSON.parse(process.argv[2]!);
const http: typeof import('node:http') = createRequire(import.meta.url)('node:http');

let restore = first === 'mock' ? await mockRequests() : undefined;
const { dispatcher, agent } = await prepare();
const callers: Record<string, Send> = {
  fetch: async (url) =>
    (await fetch(url, { ...(dispatcher && { dispatcher: dispatcher as object }) } as RequestInit)).text(),
  undici: async (url) => (await request(url, { ...(dispatcher && { dispatcher }) })).body.text(),
  'http.get': get,
};
// msw misses most requests of undici 8, without evenkeel too.
if (mock === 'msw') delete callers.undici;
// Before the mock is there, evenkeel has connections.
if (first === 'evenkeel' && way !== 'stock') for (const send of Object.values(callers)) await send(after);
restore ??= await mockRequests();

const told: { during: Record<string, string>; after: Record<string, string[]> } = { during: {}, after: {} };
for (const url of during) {
  for (const [who, send] of Object.entries(callers)) told.during[`${who} ${url}`] = await answerTo(send, url);
}
restore();
if (way !== 'stock') {
  for (const [who, send] of Object.entries(callers)) {
    const answers: string[] = [];
    for (let i = 0; i < times; i++) answers.push(await answerTo(send, after));
    told.after[who] = answers;
  }
}
process.stdout.write(JSON.stringify(told), () => process.exit());

async function answerTo(send: Send, url: string): Promise<string> {
  try {
    return await send(url);
  } catch (error) {
    const { cause = error } = error as Error;
    return (cause as NodeJS.ErrnoException).code ?? String(cause);
  }
}

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = http.get(
      url,
      { ...(agent && { agent }) },
      (response) => void text(response).then(resolve, reject),
    );
    sent.on('error', reject);
  });
}

async function mockRequests(): Promise<() => void> {
  if (mock === 'nock') {
    const { default: nock } = await import('nock');
    if (!nock.isActive()) nock.activate();
    for (const origin of mocked) {
      nock(origin, { allowUnmocked: true }).persist().get('/mocked').reply(200, 'by the mock');
    }
    nock.enableNetConnect();
    return () => nock.restore();
  }
  const { http: handlers, HttpResponse } = await import('msw');
  const { setupServer } = await import('msw/node');
  const server = setupServer(
    ...mocked.map((origin) => handlers.get(`${origin}/mocked`, () => new HttpResponse('by the mock'))),
  );
  server.listen({ onUnhandledFrame: 'bypass' });
  return () => server.close();
}

async function prepare(): Promise<Agents> {
  if (way === 'stock') return {};
  const { BalancedAgent, install } = await import('../../../src/index.ts');
  if (way === 'installed') {
    install();
    return {};
  }
  const { BalancedHttpAgent } = await import('../../../src/http.ts');
  return { dispatcher: new BalancedAgent(), agent: new BalancedHttpAgent() };
}
