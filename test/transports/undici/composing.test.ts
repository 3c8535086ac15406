// Interceptors of older undici versions do over a BalancedAgent what they do over their own undici's Agent.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Agent, type Dispatcher, request } from 'undici';
import * as undici6 from 'undici6';
import * as undici7 from 'undici7';
import { Verdicts } from '../../../src/transports/global/verdicts.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { GlobalDispatcher } from '../../../src/transports/undici/global/global-dispatcher.ts';
import { isLegacy, type LegacyHandler } from '../../../src/transports/undici/handlers.ts';
import { FakeClock } from '../../support/clock.ts';
import { type Pod, startPod } from '../../support/pods.ts';

type Interceptor = Dispatcher.DispatcherComposeInterceptor;
/** The parts of undici 6 and 7 that this file uses. Their types say that they take only their own dispatchers. */
interface Older {
  Agent: typeof Agent;
  fetch: (url: string, init: object) => Promise<Response>;
  request: typeof request;
  interceptors: Record<string, (options?: object) => Interceptor>;
}
const older = { undici6, undici7 } as unknown as Record<'undici6' | 'undici7', Older>;

const ANSWERS: Record<string, (response: ServerResponse, times: number) => void> = {
  '/plain': (response) => response.setHeader('set-cookie', ['a=1', 'b=2']).end('plain'),
  '/redirect': (response) => response.writeHead(302, { location: '/plain' }).end(),
  '/cached': (response, times) => response.setHeader('cache-control', 'max-age=100').end(`cached ${times}`),
  '/zipped': (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('zipped')),
  '/flaky': (response, times) => response.writeHead(times === 1 ? 503 : 200).end(`${times}`),
  '/gone': (response) => response.writeHead(410).end('gone'),
};
const PATHS = ['/plain', '/redirect', '/cached', '/cached', '/zipped', '/flaky', '/gone'];

const CASES: [keyof typeof older, string, object?][] = [
  ['undici7', 'cache'],
  ['undici7', 'deduplicate'],
  ['undici7', 'redirect', { maxRedirections: 2 }],
  ['undici7', 'retry', { minTimeout: 1 }],
  ['undici7', 'decompress'],
  ['undici7', 'dump', { maxSize: 1_000 }],
  ['undici7', 'responseError'],
  ['undici7', 'dns'],
  ['undici6', 'redirect', { maxRedirections: 2 }],
  ['undici6', 'retry', { minTimeout: 1 }],
  ['undici6', 'dump', { maxSize: 1_000 }],
];

async function startAnswering(t: TestContext): Promise<Pod> {
  const pod = await startPod(t);
  pod.respond = ({ url }, response) => {
    ANSWERS[url!]!(response, pod.paths.filter((path) => path === url).length);
  };
  return pod;
}

/** What a caller learns through a dispatcher. */
async function story(t: TestContext, { fetch, request }: Older, dispatcher: Dispatcher): Promise<unknown[]> {
  const pod = await startAnswering(t);
  const origin = `http://${pod.address}:${pod.port}`;
  const entries: unknown[] = [];
  for (const path of PATHS) {
    // An answer that never comes fails the test, not the run.
    const init = { dispatcher, signal: AbortSignal.timeout(10_000) };
    try {
      const fetched = await fetch(origin + path, init);
      entries.push([path, fetched.status, fetched.headers.getSetCookie(), await fetched.text()]);
      const { statusCode, headers, body } = await request(origin + path, init);
      entries.push([path, statusCode, headers['set-cookie'], await body.text()]);
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      entries.push([path, message, cause?.message]);
    }
  }
  return [...entries, ...pod.paths];
}

function balanced(t: TestContext): BalancedAgent {
  const agent = new BalancedAgent();
  t.after(() => agent.destroy());
  return agent;
}

/** What `install()` makes global. */
function installed(t: TestContext): GlobalDispatcher {
  const agent = balanced(t);
  const modern = new Agent();
  t.after(() => modern.destroy());
  const verdicts = new Verdicts({
    judge: () => 'managed',
    clock: new FakeClock(),
    maxOrigins: 10,
    timeout: 5_000,
  });
  return new GlobalDispatcher({ agent, previous: { legacy: modern, modern }, verdicts, maxHeld: 10 });
}

for (const [version, name, options] of CASES) {
  test(`${version}'s interceptor ${name} works as over ${version}'s own Agent`, async (t) => {
    const copy = older[version];
    const stock = new copy.Agent();
    t.after(() => stock.destroy());
    const intercepted = (base: Dispatcher) => base.compose(copy.interceptors[name]!(options));
    const wanted = await story(t, copy, intercepted(stock));
    assert.deepEqual(await story(t, copy, intercepted(balanced(t))), wanted);
    assert.deepEqual(await story(t, copy, intercepted(installed(t))), wanted);
  });
}

test('interceptors may call an older handler as either kind, and change what it is told', async (t) => {
  const pod = await startAnswering(t);
  const seen: boolean[] = [];
  const modern: Interceptor = (dispatch) => (options, handler) => {
    seen.push(isLegacy(handler));
    const changed = Object.create(handler) as Dispatcher.DispatchHandler;
    changed.onResponseStart = (controller, status, headers, message) =>
      handler.onResponseStart!(controller, status, { ...headers, 'x-modern': '1' }, message);
    return dispatch(options, changed);
  };
  // Written for undici 6.
  const legacy: Interceptor = (dispatch) => (options, handler) => {
    const given = handler as unknown as LegacyHandler;
    const onHeaders: LegacyHandler['onHeaders'] = (status, headers, resume, message) =>
      given.onHeaders!(status, [...headers, Buffer.from('x-legacy'), Buffer.from('1')], resume, message);
    const { onConnect, onError, onData, onComplete } = given;
    return dispatch(options, { onConnect, onHeaders, onData, onComplete, onError } as object);
  };
  const composed = balanced(t).compose([modern, null as unknown as Interceptor, legacy]);
  const { headers } = await older.undici7.fetch(`http://${pod.address}:${pod.port}/plain`, {
    dispatcher: composed,
  });
  assert.deepEqual([headers.get('x-modern'), headers.get('x-legacy')], ['1', '1']);
  assert.deepEqual(headers.getSetCookie(), ['a=1', 'b=2']);
  assert.deepEqual(seen, [false]);
});

test('a composed agent speaks HTTP/1.1 for older callers', async (t) => {
  const pod = await startAnswering(t);
  const asked: unknown[] = [];
  const composed = balanced(t).compose((dispatch) => (options, handler) => {
    asked.push((options as { allowH2?: boolean }).allowH2);
    return dispatch(options, handler);
  });
  const url = `http://${pod.address}:${pod.port}/plain`;
  await (await older.undici7.fetch(url, { dispatcher: composed })).text();
  await (await request(url, { dispatcher: composed })).body.text();
  assert.deepEqual(asked, [false, undefined]);
});

test('what is no interceptor is refused as undici does', (t) => {
  const words = [[5], ['text'], [[5]], [() => 5], [(): unknown => () => 5]];
  for (const given of words) {
    const refusal = thrownBy(() => new Agent().compose(...(given as unknown as Interceptor[])));
    assert.ok(refusal instanceof TypeError);
    assert.deepEqual(
      thrownBy(() => balanced(t).compose(...(given as unknown as Interceptor[]))),
      refusal,
    );
  }
});

function thrownBy(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    return error;
  }
}
