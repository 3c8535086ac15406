// Has a mock answer some requests, and prints who answered.

import type { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import axios from 'axios';

export interface Setting {
  readonly mock: 'nock' | 'msw';
  /** Whether the mock is there before evenkeel is, or after it. */
  readonly first: 'mock' | 'evenkeel';
  readonly way: 'preloaded' | 'by hand';
  /** Of a server that must not be asked for `/mocked`. */
  readonly origin: string;
}

const { mock, first, way, origin }: Setting = JSON.parse(process.argv[2]!);
// Mocks take the place of functions of this module: as imports these are seen by some, as its members by all.
const http: typeof import('node:http') = createRequire(import.meta.url)('node:http');

if (first === 'mock') await mockRequests();
const agent = await prepare();
if (first === 'evenkeel') await mockRequests();

const answers: Record<string, string> = {};
for (const path of ['/mocked', '/real']) {
  for (const [who, send] of Object.entries(callers())) {
    answers[`${who} ${path}`] = await send(origin + path).catch(String);
  }
}
process.stdout.write(JSON.stringify(answers), () => process.exit());

function callers(): Record<string, (url: string) => Promise<string>> {
  const own = agent ?? new http.Agent({ keepAlive: true });
  return {
    'http.get': (url) => get(url, agent),
    'http.get with an agent': (url) => get(url, own),
    axios: async (url) =>
      (await axios.get<string>(url, agent === undefined ? {} : { httpAgent: agent })).data,
  };
}

function get(url: string, agent: Agent | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      url,
      agent === undefined ? {} : { agent },
      (response) => void text(response).then(resolve, reject),
    );
    request.on('error', reject);
  });
}

async function mockRequests(): Promise<void> {
  if (mock === 'nock') {
    const { default: nock } = await import('nock');
    nock(origin, { allowUnmocked: true }).persist().get('/mocked').reply(200, 'by the mock');
    nock.enableNetConnect();
    return;
  }
  const { http: handlers, HttpResponse } = await import('msw');
  const { setupServer } = await import('msw/node');
  const mocked = handlers.get(`${origin}/mocked`, () => new HttpResponse('by the mock'));
  setupServer(mocked).listen({ onUnhandledFrame: 'bypass' });
}

async function prepare(): Promise<Agent | undefined> {
  if (way === 'by hand') {
    const { BalancedHttpAgent } = await import('../../../../src/http.ts');
    return new BalancedHttpAgent();
  }
  const { install } = await import('../../../../src/index.ts');
  install();
  return undefined;
}
