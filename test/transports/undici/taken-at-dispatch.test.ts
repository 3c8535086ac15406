import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { type Pod, startPod, startPods } from '../../support/pods.ts';

/** Milliseconds without a request after which the next one waits for a turn of the event loop. */
const IDLE = 8;

type Options = Dispatcher.RequestOptions & { headers: Headers; query: Record<string, unknown> };
type Headers = Record<string, unknown> | unknown[] | Map<string, unknown>;

const PLAIN = 'an object of texts';

/** Ways to give headers, and to change what was given. */
const FORMS: Record<string, { make: () => Headers; change: (headers: never, value: string) => void }> = {
  'an object': {
    make: () => ({ 'x-one': '', 'x-many': [] }),
    change(headers: { 'x-one': string; 'x-many': string[] }, value) {
      headers['x-one'] = value;
      headers['x-many'].splice(0, 2, value, value);
    },
  },
  [PLAIN]: {
    make: () => ({ 'x-one': '' }),
    change(headers: { 'x-one': string }, value) {
      headers['x-one'] = value;
    },
  },
  'an array': {
    make: () => ['x-one', ''],
    change(headers: string[], value) {
      headers[1] = value;
    },
  },
  'a Map': {
    make: () => new Map([['x-one', '']]),
    change: (headers: Map<string, string>, value) => void headers.set('x-one', value),
  },
};

/** Sends three requests of one set of objects, which are something else after each. */
async function reuse(agent: Dispatcher, origin: string, form: string): Promise<unknown[]> {
  const { make, change } = FORMS[form]!;
  const headers = make();
  const query = { q: [''] };
  const options = { origin, path: '', method: 'GET', headers, ...(form !== PLAIN && { query }) } as Options;
  const sent = ['a', 'b', 'c'].map((value) => {
    change(headers as never, value);
    query.q[0] = value;
    options.path = `/${value}`;
    return agent.request(options);
  });
  change(headers as never, 'changed');
  query.q[0] = 'changed';
  Object.assign(options, {
    path: '/changed',
    method: 'DELETE',
    body: 'changed',
    headersTimeout: -1,
    reset: 5,
  });
  return Promise.all(sent.map(async (response) => (await response).body.json()));
}

/** Has a pod answer with what it was asked. */
function echo(pod: Pod): void {
  pod.respond = async (request, response) => {
    const { method, url, headers } = request;
    const { 'x-one': one, 'x-many': many } = headers;
    response.end(JSON.stringify({ method, url, one, many, body: await text(request) }));
  };
}

async function setUp(t: TestContext, options: BalancedAgentOptions = {}) {
  const pod = await startPod(t);
  echo(pod);
  const origin = `http://${pod.address}:${pod.port}`;
  const stock = new Agent();
  t.after(() => stock.destroy());
  return { pod, origin, stock, agent: startAgent(t, [pod], options) };
}

for (const form of Object.keys(FORMS)) {
  test(`one set of objects with headers in ${form}, used in a loop, makes the requests that undici's Agent makes`, async (t) => {
    const { pod, origin, stock, agent } = await setUp(t);
    const expected = await reuse(stock, origin, form);
    assert.deepEqual(await reuse(agent, origin, form), expected, 'cold');
    assert.deepEqual(await reuse(agent, origin, form), expected, 'warm');
    await delay(IDLE);
    assert.deepEqual(await reuse(agent, origin, form), expected, 'after a pause');
    const one = startAgent(t, [pod], { connections: 1 });
    assert.deepEqual(await reuse(one, origin, form), expected, 'behind each other');
    const resolver = new ManualResolver();
    const unresolved = startAgent(t, [], { discovery: resolver.resolve });
    const waiting = reuse(unresolved, origin, form);
    resolver.set([pod]);
    assert.deepEqual(await waiting, expected, 'before the name is known');
    const keyed = startAgent(t, [pod], { policy: 'ring-hash', ringHash: { header: 'x-one' } });
    assert.deepEqual(await reuse(keyed, origin, form), expected, 'with a key');
  });

  test(`a retry sends what was given, with headers in ${form}`, async (t) => {
    const pods = (await startPods(t, 2)) as [Pod, Pod];
    for (const pod of pods) echo(pod);
    const agent = startAgent(t, pods, { policy: 'round-robin' });
    await Promise.all([get(agent), get(agent)]);
    const { make, change } = FORMS[form]!;
    const headers = make();
    change(headers as never, 'given');
    const options = { origin: ORIGIN, path: '/one', method: 'GET', headers } as Options;
    let resets = 0;
    for (const pod of pods) {
      pod.respond = (request) => {
        resets++;
        change(headers as never, 'changed');
        Object.assign(options, { path: '/two', method: 'DELETE', body: 'two', idempotent: false });
        for (const each of pods) echo(each);
        request.socket.resetAndDestroy();
      };
    }
    const { body } = await agent.request(options);
    const { method, url, one } = (await body.json()) as Record<string, unknown>;
    assert.deepEqual({ method, url, one, resets }, { method: 'GET', url: '/one', one: 'given', resets: 1 });
  });
}

test('a URL for an origin may lead elsewhere afterwards', async (t) => {
  const { origin, agent } = await setUp(t);
  const url = new URL(origin);
  const sent = agent.request({ origin: url, path: '/a', method: 'GET' });
  url.port = '1';
  assert.equal((await sent).statusCode, 200);
});

test('a key function sees what the caller gave, whatever that is', async (t) => {
  const seen: unknown[] = [];
  const { origin, agent } = await setUp(t, {
    policy: 'ring-hash',
    ringHash: {
      key: (options) => {
        seen.push(options);
        return (options as { tenant?: string }).tenant;
      },
    },
  });
  const options = {
    origin,
    path: '/',
    method: 'GET',
    query: { a: 1 },
    tenant: 'x',
  } as Dispatcher.DispatchOptions;
  await new Promise<void>((resolve, reject) => {
    agent.dispatch(options, {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd: () => resolve(),
      onResponseError: (_controller, error) => reject(error),
    });
  });
  assert.deepEqual(seen, [options]);
  assert.equal(seen[0], options);
});

/** Whether a request with a header that undici refuses fails before `dispatch` has returned. */
function failsAtOnce(agent: Dispatcher, origin: string): boolean {
  let isTold = false;
  agent.dispatch(
    { origin, path: '/', method: 'GET', headers: { 'transfer-encoding': 'chunked' } },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {},
      onResponseError() {
        isTold = true;
      },
    },
  );
  return isTold;
}

/** An agent takes the bad request in the turn of the response only if the machine is quick, so there are several agents. */
const AGENTS = 30;

test('a bad request fails in its dispatch, also if it would wait for a turn on a connection that was used once', async (t) => {
  const pod = await startPod(t);
  for (let n = 0; n < AGENTS; n++) {
    const agent = startAgent(t, [pod]);
    await get(agent);
    assert.ok(failsAtOnce(agent, ORIGIN));
  }
  const stock = new Agent();
  t.after(() => stock.close());
  const origin = `http://${pod.address}:${pod.port}`;
  const { body } = await stock.request({ origin, path: '/', method: 'GET' });
  await body.text();
  assert.ok(failsAtOnce(stock, origin));
});
