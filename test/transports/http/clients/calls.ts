// Makes the same calls with each client, one way, in a process of its own, and prints what their callers got.
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAddress } from '../../../../src/core/discovery/resolver.ts';
import { ADAPTERS, type Adapter, type Asked, type Skill, streamed } from './adapters.ts';

export interface Setting {
  readonly way: 'stock' | 'by hand' | 'preloaded';
  /** Whether each client is given an agent, or uses its default. */
  readonly agents: 'own' | 'default';
  /** Where `origin` leads. */
  readonly pods: readonly EndpointAddress[];
  readonly origin: string;
}

/** What callers got, by client and call. */
export type Outcomes = Record<string, Record<string, string>>;

interface Call {
  readonly path: string;
  readonly asked: () => Asked;
  readonly needs?: Skill;
}

/** Milliseconds after which a call is taken for one that never ends. */
const PATIENCE = 3_000;

const get = () => ({ method: 'GET' });
const CALLS: Readonly<Record<string, Call>> = {
  'a GET': { path: '/', asked: get },
  'the same again': { path: '/', asked: get },
  'a large GET': { path: '/large', asked: get },
  'a POST': { path: '/', asked: () => ({ method: 'POST', body: 'some text' }) },
  'a large POST': { path: '/', asked: () => ({ method: 'POST', body: 'y'.repeat(200_000) }) },
  'a stream': { path: '/', asked: () => ({ method: 'POST', body: streamed('one', 'two') }), needs: 'stream' },
  'a redirect': { path: '/redirect', asked: get },
  'a 503': { path: '/503', asked: get },
  'an abort in flight': {
    path: '/hang',
    asked: () => ({ method: 'GET', signal: AbortSignal.timeout(40) }),
    needs: 'abort',
  },
  'an abort of a POST': {
    path: '/hang',
    asked: () => ({ method: 'POST', body: 'text', signal: AbortSignal.timeout(40) }),
    needs: 'abort',
  },
  'a timeout': { path: '/hang', asked: () => ({ method: 'GET', timeout: 60 }), needs: 'timeout' },
  'a reset': { path: '/reset', asked: get },
  'a reset of a POST': { path: '/reset', asked: () => ({ method: 'POST', body: 'text' }) },
  'a body that is cut': { path: '/cut', asked: get },
  'a GET after all that': { path: '/', asked: get },
};

const { way, agents, pods, origin }: Setting = JSON.parse(process.argv[2]!);
const makeAgent = await prepare();
const outcomes: Outcomes = {};
await Promise.all(Object.entries(ADAPTERS).map(([name, adapter]) => callBy(name, adapter)));
process.stdout.write(JSON.stringify(outcomes), () => process.exit());

async function callBy(name: string, { client, lacks = [] }: Adapter): Promise<void> {
  const send = client(agents === 'own' ? makeAgent() : undefined);
  const got: Record<string, string> = {};
  outcomes[name] = got;
  for (const [call, { path, asked, needs }] of Object.entries(CALLS)) {
    if (needs !== undefined && lacks.includes(needs)) continue;
    got[call] = await inTime(send(origin + path, asked()).then(short, told));
  }
}

async function inTime(answer: Promise<string>): Promise<string> {
  const patience = new AbortController();
  const never = delay(PATIENCE, 'never', { signal: patience.signal }).catch(() => '');
  const first = await Promise.race([answer, never]);
  patience.abort();
  return first;
}

function short(answer: string): string {
  return answer.length > 100 ? `${answer.length} characters` : answer;
}

function told(error: NodeJS.ErrnoException): string {
  const { name, code, message, cause } = error;
  const reason = cause instanceof Error && cause !== error ? ` because ${told(cause)}` : '';
  // A client names the port that its connection has on this side.
  return `${name} ${code}: ${message.replace(/Local: [\d.:]+/, 'Local')}${reason}`;
}

/** Makes ready for requests that way; what comes back makes agents. */
async function prepare(): Promise<() => http.Agent> {
  const stock = () => new http.Agent({ keepAlive: true });
  // What is compared is how a request is made, so that it is made once.
  const options = { discovery: () => found(), retry: false } as const;
  if (way === 'by hand') {
    const { BalancedHttpAgent } = await import('../../../../src/http.ts');
    return () => new BalancedHttpAgent(options);
  }
  if (way === 'preloaded') {
    const { install } = await import('../../../../src/index.ts');
    install({ ...options, hosts: [new URL(origin).hostname] });
  }
  return stock;
}

async function* found(): AsyncGenerator<{ endpoints: readonly EndpointAddress[]; source: 'static' }> {
  yield { endpoints: pods, source: 'static' };
}
