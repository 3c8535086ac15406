// Makes all kinds of calls as one client, in a process of its own, and prints what went wrong with each.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { Dispatcher, RequestInit } from 'undici';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import type { Echo } from './echo-server.ts';

/** Who calls: the `fetch` inside Node.js, or a version of undici. */
export type Client = 'built-in' | 'undici6' | 'undici7' | 'undici';
export type Mode = 'per call' | 'global, evenkeel first' | 'global, client first';

export interface Setting {
  readonly client: Client;
  readonly mode: Mode;
  /** Where `http://orders.test` leads. */
  readonly pods: readonly EndpointAddress[];
  /** The origin of a server that isn't managed. */
  readonly outside: string;
}

/** In the types of the newest version. */
type Undici = typeof import('undici');
type RequestOptions = Omit<Dispatcher.RequestOptions, 'origin' | 'path'>;
type Calls = Record<string, () => Promise<void>>;

const { client, mode, pods, outside }: Setting = JSON.parse(process.argv[2]!);
const inside = 'http://orders.test';
const post = { method: 'POST', body: 'hello' } as const;
const withLength = { ...post, headers: { 'Content-Length': '5' } };

if (mode === 'global, client first') await load();
const { BalancedAgent, install, staticResolver } = await import('../../src/index.ts');
const discovery = staticResolver(pods);
const perCall = mode === 'per call';
const agent = perCall ? new BalancedAgent({ discovery }) : install({ discovery, hosts: ['orders.test'] });
const option = perCall ? { dispatcher: agent } : {};
const { fetch, FormData, WebSocket, request } = await load();

const problems: Record<string, string> = {};
for (const [name, call] of Object.entries({ ...fetchCalls(), ...requestCalls(), ...outsideCalls() })) {
  await call().catch((error: Error) => {
    problems[name] = String(error.cause ?? error);
  });
}
console.log(JSON.stringify(problems));
await agent.close();

async function load(): Promise<Undici> {
  if (client !== 'built-in') return (await import(client)) as Undici;
  // Touching any of them loads them all.
  const { Response: _, ...builtIn } = {
    Response,
    fetch: globalThis.fetch,
    FormData: globalThis.FormData,
    WebSocket: globalThis.WebSocket,
  };
  return builtIn as unknown as Undici;
}

function fetchCalls(): Calls {
  return {
    async 'fetch: GET'() {
      const { method, path } = await fetched('/get?a=b');
      assert.deepEqual([method, path], ['GET', '/get?a=b']);
    },
    async 'fetch: a body'() {
      assert.equal((await fetched('/', post)).body, 'hello');
    },
    async 'fetch: a stream as body'() {
      const body = new Blob(['hel', 'lo']).stream();
      assert.equal((await fetched('/', { method: 'POST', body, duplex: 'half' })).body, 'hello');
    },
    async 'fetch: a form'() {
      const body = new FormData();
      body.append('name', 'value');
      assert.match((await fetched('/', { method: 'POST', body })).body, /name="name"\r\n\r\nvalue/);
    },
    async 'fetch: a Content-Length of one’s own'() {
      const { body, contentLength } = await fetched('/', withLength);
      assert.deepEqual([body, contentLength], ['hello', '5']);
    },
    async 'fetch: a redirect'() {
      assert.equal((await fetched('/redirect')).path, '/redirected');
    },
    async 'fetch: an abort on the way'() {
      const signal = AbortSignal.timeout(20);
      await assert.rejects(fetched('/hang', { signal }), { name: 'TimeoutError' });
    },
    async 'fetch: an abort beforehand'() {
      await assert.rejects(fetched('/', { signal: AbortSignal.abort() }), { name: 'AbortError' });
    },
    async WebSocket() {
      const socket = new WebSocket('ws://orders.test/', option);
      const answer = await new Promise((resolve, reject) => {
        socket.onopen = () => socket.send('hello');
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = reject;
      });
      assert.equal(answer, 'hello');
      socket.close();
    },
  };
}

/** undici's `request`, which built-in `fetch` comes without. */
function requestCalls(): Calls {
  if (client === 'built-in') return {};
  return {
    async 'request: GET'() {
      const { method, path } = await requested('/get?a=b');
      assert.deepEqual([method, path], ['GET', '/get?a=b']);
    },
    async 'request: a body'() {
      assert.equal((await requested('/', post)).body, 'hello');
    },
    async 'request: a stream as body'() {
      assert.equal(
        (await requested('/', { method: 'POST', body: Readable.from(['hel', 'lo']) })).body,
        'hello',
      );
    },
    async 'request: a Content-Length of one’s own'() {
      const { body, contentLength } = await requested('/', withLength);
      assert.deepEqual([body, contentLength], ['hello', '5']);
    },
    async 'request: an abort on the way'() {
      const signal = AbortSignal.timeout(20);
      await assert.rejects(requested('/hang', { method: 'GET', signal }), { name: 'TimeoutError' });
    },
    async 'request: an abort beforehand'() {
      await assert.rejects(requested('/', { method: 'GET', signal: AbortSignal.abort() }), {
        name: 'AbortError',
      });
    },
  };
}

/** What an installed agent does not manage. */
function outsideCalls(): Calls {
  if (perCall) return {};
  return {
    async 'fetch: outside'() {
      assert.equal((await fetched('/', post, outside)).body, 'hello');
    },
    async 'fetch: a redirect outside'() {
      assert.equal((await fetched('/redirect', {}, outside)).path, '/redirected');
    },
    async 'fetch: a Content-Length of one’s own, outside'() {
      assert.equal((await fetched('/', withLength, outside)).contentLength, '5');
    },
    async 'fetch: a form outside'() {
      const body = new FormData();
      body.append('name', 'value');
      assert.match((await fetched('/', { method: 'POST', body }, outside)).body, /name="name"\r\n\r\nvalue/);
    },
  };
}

async function fetched(path: string, init: RequestInit = {}, origin = inside): Promise<Echo> {
  return (await (await fetch(origin + path, { ...init, ...option })).json()) as Echo;
}

async function requested(path: string, options: RequestOptions = { method: 'GET' }): Promise<Echo> {
  const { body } = await request(inside + path, { ...options, ...option });
  return (await body.json()) as Echo;
}
