import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  Agent,
  type Dispatcher,
  Dispatcher1Wrapper,
  errors,
  fetch,
  interceptors,
  MockAgent,
  request,
} from 'undici';
import * as undici6 from 'undici6';
import * as undici7 from 'undici7';
import { staticResolver } from '../../../../src/core/discovery/static.ts';
import { type Judge, type Verdict, Verdicts } from '../../../../src/transports/global/verdicts.ts';
import { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import {
  GlobalDispatcher,
  type Previous,
} from '../../../../src/transports/undici/global/global-dispatcher.ts';
import { FakeClock } from '../../../support/clock.ts';
import { type Pod, startPod } from '../../../support/pods.ts';

const MANAGED = 'http://orders.prod';

interface Setup {
  dispatcher: GlobalDispatcher;
  agent: BalancedAgent;
  clock: FakeClock;
  /** The pod behind all names that are managed. */
  inside: Pod;
  /** A server that the agent knows nothing of. */
  outside: Pod;
  foreign: string;
}

interface Options {
  judge?: Judge;
  previous?: Previous;
  maxHeld?: number;
}

/** A dispatcher to which only `http://orders.prod` is managed. */
async function setUp(
  t: TestContext,
  { judge = byName, previous, maxHeld = 10 }: Options = {},
): Promise<Setup> {
  const [inside, outside] = [await startPod(t), await startPod(t)];
  inside.respond = (_request, response) => response.end('inside');
  outside.respond = (_request, response) => response.end('outside');
  const agent = new BalancedAgent({ discovery: staticResolver([inside.endpoint]) });
  t.after(() => agent.destroy());
  const modern = new Agent();
  t.after(() => modern.destroy());
  const clock = new FakeClock();
  const verdicts = new Verdicts({ judge, clock, maxOrigins: 10, timeout: 5_000 });
  previous ??= { modern, legacy: new Dispatcher1Wrapper(modern) };
  const dispatcher = new GlobalDispatcher({ agent, previous, verdicts, maxHeld });
  return { dispatcher, agent, clock, inside, outside, foreign: `http://${outside.address}:${outside.port}` };
}

function byName(origin: string): Verdict {
  return origin === MANAGED ? 'managed' : 'foreign';
}

const METHODS = {
  onRequestStart() {},
  onResponseStart() {},
  onResponseData() {},
  onResponseEnd() {},
};

/** A judge that says nothing until it is told to. */
function undecided(): { judge: Judge; decide: (verdict: Verdict) => void } {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  return { judge: () => promise, decide: resolve };
}

async function textOf(url: string, dispatcher: Dispatcher): Promise<string> {
  return (await request(url, { dispatcher })).body.text();
}

/** A request without undici's help, which looks after bodies and contexts by itself. */
function dispatched(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  onRequestStart: () => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(options, {
      onRequestStart,
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd: () => resolve(),
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

/** Old-style callers: the types of other versions don't know that they are understood. */
const OLD_STYLE = { undici6, undici7 } as unknown as Record<
  string,
  { fetch: typeof fetch; request: typeof request }
>;

test('what is managed goes through the agent, everything else through the dispatcher before', async (t) => {
  const { dispatcher, agent, foreign } = await setUp(t);
  assert.equal(await textOf(`${MANAGED}/`, dispatcher), 'inside');
  assert.equal(await textOf(`${foreign}/`, dispatcher), 'outside');
  assert.equal(await (await fetch(`${foreign}/`, { dispatcher })).text(), 'outside');
  assert.deepEqual(Object.keys(agent.stats), [MANAGED]);
});

for (const [name, undici] of Object.entries(OLD_STYLE)) {
  test(`old-style callers are served like new-style ones (${name})`, async (t) => {
    const { dispatcher, foreign } = await setUp(t);
    for (const [url, answer] of [
      [`${MANAGED}/`, 'inside'],
      [`${foreign}/`, 'outside'],
    ] as const) {
      assert.equal(await (await undici.fetch(url, { dispatcher })).text(), answer);
      assert.equal(await (await undici.request(url, { dispatcher })).body.text(), answer);
    }
  });
}

test('each generation of callers has the dispatcher before that it had', async (t) => {
  const legacy = new undici6.MockAgent();
  const modern = new MockAgent();
  t.after(() => Promise.all([legacy.close(), modern.close()]));
  const request = { path: '/', method: 'POST', body: 'hello' };
  legacy.get('http://api.example.com').intercept(request).reply(200, 'old');
  modern.get('http://api.example.com').intercept(request).reply(200, 'new');
  const previous = { legacy: legacy as unknown as Dispatcher, modern };
  const { dispatcher } = await setUp(t, { previous });
  const post = { method: 'POST', body: 'hello', dispatcher } as const;
  assert.equal(await (await OLD_STYLE.undici6!.fetch('http://api.example.com/', post)).text(), 'old');
  assert.equal(await (await fetch('http://api.example.com/', post)).text(), 'new');
});

test('requests wait for the verdict on their name, and then go on in the context of their callers', async (t) => {
  const { judge, decide } = undecided();
  const { dispatcher, inside } = await setUp(t, { judge });
  const context = new AsyncLocalStorage<string>();
  const contexts: (string | undefined)[] = [];
  const answers = ['first', 'second'].map((caller) =>
    context.run(caller, () =>
      dispatched(dispatcher, { origin: MANAGED, path: `/${caller}`, method: 'GET' }, () => {
        contexts.push(context.getStore());
      }),
    ),
  );
  await setImmediate();
  assert.equal(inside.requests, 0);
  decide('managed');
  await Promise.all(answers);
  assert.deepEqual(contexts, ['first', 'second']);
  assert.deepEqual(inside.paths, ['/first', '/second']);
});

test('requests that wait for a verdict are sent as they were given', async (t) => {
  for (const verdict of ['managed', 'foreign'] as const) {
    const { judge, decide } = undecided();
    const { dispatcher, inside, outside, foreign } = await setUp(t, { judge });
    const pod = verdict === 'managed' ? inside : outside;
    const seen: unknown[] = [];
    pod.respond = ({ method, url, headers }, response) => {
      seen.push([method, url, headers['x-one'], headers['x-many']]);
      response.end();
    };
    const headers = { 'x-one': '', 'x-many': [''] };
    const lists: string[][] = [];
    const query = { q: [''] };
    const options = { origin: new URL(foreign), path: '/', method: 'GET', headers, query };
    const answers = ['a', 'b'].flatMap((value) => {
      headers['x-one'] = value;
      headers['x-many'][0] = value;
      query.q[0] = value;
      lists.push(['x-one', value, 'x-many', value]);
      return [
        dispatched(dispatcher, options as never),
        dispatched(dispatcher, { ...options, headers: lists.at(-1) } as never),
        dispatched(dispatcher, { ...options, headers: new Map(Object.entries(headers)) } as never),
      ];
    });
    Object.assign(options, { method: 'DELETE', path: '/changed' });
    Object.assign(headers, { 'x-one': 'changed' });
    headers['x-many'][0] = 'changed';
    query.q[0] = 'changed';
    for (const list of lists) list.fill('changed');
    options.origin.port = '1';
    decide(verdict);
    await Promise.all(answers);
    const expected = ['a', 'b'].flatMap((value) => Array(3).fill(['GET', `/?q=${value}`, value, value]));
    assert.deepEqual(seen.sort(), expected, verdict);
  }
});

test('headers that can’t be read fail their request at once', async (t) => {
  const { dispatcher } = await setUp(t, { judge: undecided().judge });
  const headers = new Map([['a', 'b']]);
  headers[Symbol.iterator] = () => {
    throw new Error('unreadable');
  };
  await assert.rejects(dispatched(dispatcher, { origin: MANAGED, path: '/', method: 'GET', headers }), {
    message: 'unreadable',
  });
});

test('no verdict in time, and a request goes where it always went', async (t) => {
  const { clock, dispatcher, foreign } = await setUp(t, { judge: undecided().judge });
  const answer = textOf(`${foreign}/`, dispatcher);
  clock.advance('5s');
  assert.equal(await answer, 'outside');
});

test('no more requests than allowed wait for a verdict', async (t) => {
  const { judge, decide } = undecided();
  const { dispatcher } = await setUp(t, { judge, maxHeld: 2 });
  const answers = [textOf(MANAGED, dispatcher), textOf(MANAGED, dispatcher)];
  await assert.rejects(textOf(MANAGED, dispatcher), { code: 'EVENKEEL_QUEUE_FULL' });
  await assert.rejects(OLD_STYLE.undici6!.request(MANAGED, { dispatcher }), { code: 'EVENKEEL_QUEUE_FULL' });
  decide('managed');
  assert.deepEqual(await Promise.all(answers), ['inside', 'inside']);
  assert.equal(await textOf(MANAGED, dispatcher), 'inside');
});

test('a request that is aborted while it waits sends nothing', async (t) => {
  const { judge, decide } = undecided();
  const { dispatcher, inside } = await setUp(t, { judge });
  const abort = new AbortController();
  const answers = [
    fetch(MANAGED, { dispatcher, signal: abort.signal }),
    request(MANAGED, { dispatcher, signal: abort.signal }),
    OLD_STYLE.undici6!.fetch(MANAGED, { dispatcher, signal: abort.signal }),
  ];
  abort.abort();
  await assert.rejects(answers[0]!, { name: 'AbortError' });
  await assert.rejects(answers[2]!, { name: 'AbortError' });
  decide('managed');
  await assert.rejects(answers[1]!, { name: 'AbortError' });
  assert.equal(await textOf(`${MANAGED}/last`, dispatcher), 'inside');
  assert.deepEqual(inside.paths, ['/last']);
});

test('a body that fails while its request waits fails that request only', async (t) => {
  for (const verdict of ['managed', 'foreign'] as const) {
    const { judge, decide } = undecided();
    const { dispatcher, foreign } = await setUp(t, { judge });
    const body = new Readable({ read() {} });
    const failed = dispatched(dispatcher, { origin: foreign, path: '/', method: 'POST', body });
    body.destroy(new Error('no more to read'));
    await setImmediate();
    decide(verdict);
    await assert.rejects(failed, { message: 'no more to read' });
  }
});

test('mistakes of the caller are told at once, in undici’s words', async (t) => {
  const { dispatcher } = await setUp(t);
  const refused = { code: 'UND_ERR_INVALID_ARG' };
  await assert.rejects(dispatcher.request({ origin: 'orders', path: '/', method: 'GET' }), {
    code: 'ERR_INVALID_URL',
  });
  await assert.rejects(dispatcher.request({ path: '/', method: 'GET' }), refused);
  await assert.rejects(dispatcher.request({ origin: 'ftp://orders', path: '/', method: 'GET' }), refused);
  assert.throws(
    () => dispatcher.dispatch({ origin: MANAGED, path: '/', method: 'GET' }, null as never),
    refused,
  );
  assert.throws(() => dispatcher.dispatch(null as never, {}), refused);
});

test('so they are while the verdict is awaited, where undici’s Agent was before', async (t) => {
  const stock = new Agent();
  t.after(() => stock.destroy());
  const { dispatcher } = await setUp(t, { judge: undecided().judge });
  for (const [options, handler] of [
    [{}, {}],
    [{ path: 'no slash' }, METHODS],
    [{ headers: { 'a b': 'c' } }, METHODS],
    [{ body: 5 }, METHODS],
  ] as const) {
    const told = (to: Dispatcher) => {
      const errorsTold: string[] = [];
      const onResponseError = (_: unknown, { message }: Error) => void errorsTold.push(message);
      const given = { origin: MANAGED, path: '/', method: 'GET', ...options } as never;
      to.dispatch(given, { ...handler, onResponseError });
      return errorsTold;
    };
    assert.equal(told(stock).length, 1);
    assert.deepEqual(told(dispatcher), told(stock));
  }
});

test('what another dispatcher may take that was there before, it is given', async (t) => {
  const { judge, decide } = undecided();
  const mock = new MockAgent();
  t.after(() => mock.close());
  mock.get('http://api.example.com').intercept({ path: '/', method: 'GET' }).reply(200, 'mocked');
  const previous = { modern: mock, legacy: new Dispatcher1Wrapper(mock) };
  const { dispatcher } = await setUp(t, { judge, previous });
  const options = {
    origin: 'http://api.example.com',
    path: '/',
    method: 'GET',
    throwOnError: false,
  } as const;
  const answered = dispatched(dispatcher, options as never);
  decide('foreign');
  await answered;
});

test('a handler that is none is told of when the verdict comes', async (t) => {
  const { judge, decide } = undecided();
  const mock = new MockAgent();
  t.after(() => mock.close());
  const previous = { modern: mock, legacy: new Dispatcher1Wrapper(mock) };
  const { dispatcher } = await setUp(t, { judge, previous });
  const { promise, resolve } = Promise.withResolvers<Error>();
  const incomplete = { onResponseError: (_controller: unknown, error: Error) => resolve(error) };
  dispatcher.dispatch({ origin: MANAGED, path: '/', method: 'GET' }, incomplete);
  decide('managed');
  assert.ok((await promise) instanceof errors.InvalidArgumentError);
});

test('an origin may be a URL', async (t) => {
  const { dispatcher } = await setUp(t);
  const { body } = await dispatcher.request({ origin: new URL(MANAGED), path: '/', method: 'GET' });
  assert.equal(await body.text(), 'inside');
});

test('a mock before is recognised as one by fetch', async (t) => {
  const plain = await setUp(t);
  assert.equal(plain.dispatcher.isMockActive, false);
  const mock = new MockAgent();
  const { dispatcher } = await setUp(t, { previous: { modern: mock, legacy: new Dispatcher1Wrapper(mock) } });
  assert.equal(dispatcher.isMockActive, true);
  mock.deactivate();
  assert.equal(dispatcher.isMockActive, false);
});

test('events come from the agent and from the dispatchers before', async (t) => {
  const { dispatcher, agent, foreign } = await setUp(t);
  const origins: string[] = [];
  dispatcher.on('connect', (origin, targets) => {
    origins.push(origin.origin);
    assert.equal(targets[0], dispatcher);
    assert.equal(targets.includes(agent), origin.origin === MANAGED);
  });
  await textOf(MANAGED, dispatcher);
  await textOf(foreign, dispatcher);
  assert.deepEqual(origins, [MANAGED, foreign]);
});

test('closing it closes the agent, and leaves what was global before alone', async (t) => {
  const { dispatcher, agent, foreign } = await setUp(t);
  await textOf(MANAGED, dispatcher);
  assert.equal(dispatcher.closed, false);
  await dispatcher.close();
  assert.equal(agent.closed, true);
  assert.equal(dispatcher.closed, true);
  await assert.rejects(textOf(MANAGED, dispatcher), { code: 'UND_ERR_DESTROYED' });
  assert.equal(await textOf(foreign, dispatcher), 'outside');
});

test('destroying it destroys the agent, with the error given', async (t) => {
  const { dispatcher, inside, agent } = await setUp(t);
  const slow = textOf(`${MANAGED}/slow`, dispatcher);
  await inside.received('/slow');
  const failed = assert.rejects(slow, { message: 'enough' });
  await new Promise<void>((resolve) => dispatcher.destroy(new Error('enough'), resolve));
  await failed;
  assert.equal(agent.destroyed, true);
  assert.equal(dispatcher.destroyed, true);
});

test('it can be composed, and what is composed can be closed', async (t) => {
  const { dispatcher, agent, foreign } = await setUp(t);
  const composed = dispatcher.compose(interceptors.redirect({ maxRedirections: 1 }));
  assert.equal(await textOf(MANAGED, composed), 'inside');
  assert.equal(await textOf(foreign, composed), 'outside');
  await composed.close();
  assert.equal(agent.closed, true);
});

test('released, it sends everything through the dispatchers before, also what waits', async (t) => {
  const { judge, decide } = undecided();
  const { dispatcher, outside, foreign } = await setUp(t, { judge });
  const answer = textOf(`${foreign}/waiting`, dispatcher);
  dispatcher.release();
  decide('managed');
  assert.equal(await answer, 'outside');
  assert.equal(await textOf(`${foreign}/later`, dispatcher), 'outside');
  assert.deepEqual(outside.paths, ['/waiting', '/later']);
});

test('released, it leaves no listener on the dispatchers before', async (t) => {
  const { dispatcher } = await setUp(t);
  const { modern } = dispatcher.previous;
  assert.equal(modern.listenerCount('connect'), 1);
  dispatcher.release();
  for (const event of ['connect', 'disconnect', 'connectionError', 'drain'])
    assert.equal(modern.listenerCount(event), 0);
});

test('it answers for the agent’s stats and options', async (t) => {
  const { dispatcher, agent } = await setUp(t);
  await textOf(MANAGED, dispatcher);
  assert.deepEqual(dispatcher.stats, agent.stats);
  assert.deepEqual(dispatcher.webSocketOptions, agent.webSocketOptions);
  assert.deepEqual(dispatcher.eventSourceOptions, agent.eventSourceOptions);
});
