import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher, Dispatcher1Wrapper } from 'undici';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, ManualResolver, startAgent } from '../../support/agent.ts';
import { nextAddress, type Pod, startPod } from '../../support/pods.ts';
import { BAD, type Given, ODD } from './as-given.ts';

/** Milliseconds without a request after which the next one waits for a turn of the event loop. */
const IDLE = 8;

type Handler = object;
type Tell = (name: string, ...what: unknown[]) => void;

/** A handler of either generation that tells all that it is told. */
const HANDLERS = {
  modern: (tell: Tell): Handler => ({
    onRequestStart() {},
    onResponseStart: (_: unknown, status: number) => tell('response', status),
    onResponseData() {},
    onResponseEnd: () => tell('end'),
    onResponseError: (_: unknown, error: Error) => tell('error', inWords(error)),
  }),
  legacy: (tell: Tell): Handler => ({
    onConnect() {},
    onHeaders: (status: number) => tell('response', status),
    onData() {},
    onComplete: () => tell('end'),
    onError: (error: Error) => tell('error', inWords(error)),
  }),
};

type Generation = keyof typeof HANDLERS;

/** What comes of a request: what `dispatch` does, and what the handler is told before and after it has returned. */
async function outcome(
  agent: Dispatcher,
  generation: Generation,
  { options = () => ({}), handler = () => ({}) }: Given,
  origin: string,
): Promise<object> {
  const during: unknown[] = [];
  const after: unknown[] = [];
  const ended = Promise.withResolvers<void>();
  let told = during;
  const tell: Tell = (name, ...what) => {
    told.push([name, ...what]);
    if (name !== 'response') ended.resolve();
  };
  const given: Record<string, unknown> = options() as Record<string, unknown>;
  for (const [name, value] of Object.entries({ origin, path: '/', method: 'GET' })) {
    if (!(name in given)) given[name] = value;
  }
  const handlers = Object.assign(HANDLERS[generation](tell), handler());
  let returned: unknown;
  try {
    returned = agent.dispatch(given as never, handlers as never);
  } catch (error) {
    during.push(['thrown', inWords(error as Error)]);
    ended.resolve();
  }
  told = after;
  await ended.promise;
  // undici before 8.13 said false of some that failed at once, though no `drain` would follow.
  if (returned === false && during.length > 0 && !(agent instanceof BalancedAgent)) returned = true;
  return { during, after, returned };
}

function inWords(error: unknown): string {
  if (!(error instanceof Error)) return `no error: ${String(error)}`;
  const { name, message, code } = error as NodeJS.ErrnoException;
  return `${error.constructor.name} ${name} ${code}: ${message}`;
}

/** What a dispatcher makes of all these, each with what it is about. */
async function all(
  cases: readonly Given[],
  each: (given: Given) => Promise<unknown>,
): Promise<Record<string, unknown>> {
  const made: Record<string, unknown> = {};
  for (const given of cases) made[given.what] = await each(given);
  return made;
}

function stockFor(t: TestContext, generation: Generation): Dispatcher {
  const stock = new Agent();
  t.after(() => stock.destroy());
  return generation === 'modern' ? stock : new Dispatcher1Wrapper(stock);
}

/**
 * undici's wrapper for older callers makes whole handlers, and copies the options, getters and all. Its older
 * versions give the option `dispatcher` to a dispatcher. What undici 6 does for its callers, and undici 8 refuses, is in
 * `redirects.test.ts`.
 */
function casesFor(generation: Generation, cases: readonly Given[]): readonly Given[] {
  if (generation === 'modern') return cases;
  return cases.filter(
    ({ what, handler }) =>
      handler === undefined &&
      !/onRequestUpgrade|dispatcher|option that throws|inherited$|throwOnError|maxRedirections(?!: 0)/.test(
        what,
      ),
  );
}

for (const generation of ['modern', 'legacy'] as const) {
  const bad = casesFor(generation, BAD);
  const odd = casesFor(generation, ODD);

  test(`bad input is refused as undici's Agent refuses it, whoever is there: ${generation} handlers`, async (t) => {
    const pod = await startPod(t);
    const live = `http://${pod.address}:${pod.port}`;
    const dead = `http://${nextAddress()}:9`;
    const deadEndpoint = { endpoint: { address: new URL(dead).hostname, port: 9 } };
    const expected = await all(bad, (given) => outcome(stockFor(t, generation), generation, given, dead));
    const silent = startAgent(t, [], { discovery: new ManualResolver().resolve });
    const unreachable = startAgent(t, [deadEndpoint]);
    const warm = startAgent(t, [pod]);
    const warmStock = stockFor(t, generation);
    const byKey = startAgent(t, [pod], { policy: 'ring-hash', ringHash: { header: 'a' } });
    const situations: Record<string, (given: Given) => Promise<unknown>> = {
      'a warm Agent of undici’s': async (given) => {
        await outcome(warmStock, generation, { what: '' }, live);
        return outcome(warmStock, generation, given, live);
      },
      'nobody known yet': (given) => outcome(silent, generation, given, dead),
      'nobody there': (given) => outcome(unreachable, generation, given, dead),
      'a cold agent': (given) => outcome(startAgent(t, [pod]), generation, given, live),
      'a warm connection': async (given) => {
        await get(warm, '/', live);
        return outcome(warm, generation, given, live);
      },
      'a connection that was idle': async (given) => {
        await get(warm, '/', live);
        await delay(IDLE);
        return outcome(warm, generation, given, live);
      },
      'a key': async (given) => {
        await get(byKey, '/', live);
        return outcome(byKey, generation, given, live);
      },
    };
    for (const [situation, each] of Object.entries(situations)) {
      assert.deepEqual(await all(bad, each), expected, situation);
    }
    const { running, queued } = warm.stats[live]!;
    assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
    assert.deepEqual(Object.keys(silent.stats), [], 'no service is made for a bad request');
    // Whatever was refused cost nobody a connection.
    assert.ok(pod.connections.length < 5 + bad.length, String(pod.connections.length));
  });

  test(`odd input is sent as undici's Agent sends it: ${generation} handlers`, async (t) => {
    const pod = await startPod(t);
    const live = `http://${pod.address}:${pod.port}`;
    const seen = record(pod);
    const sent = async (agent: Dispatcher, given: Given) => {
      const { during, after } = (await outcome(agent, generation, given, live)) as Record<string, unknown>;
      return { during, after, seen: await seen() };
    };
    const stock = stockFor(t, generation);
    const expected = await all(odd, (given) => sent(stock, given));
    const warm = startAgent(t, [pod]);
    const situations: Record<string, (given: Given) => Promise<unknown>> = {
      'a cold agent': (given) => sent(startAgent(t, [pod]), given),
      'a warm connection': (given) => sent(warm, given),
      'a connection that was idle': (given) => delay(IDLE).then(() => sent(warm, given)),
    };
    for (const [situation, each] of Object.entries(situations)) {
      assert.deepEqual(await all(odd, each), expected, situation);
    }
  });
}

/** Has a pod answer everything, and tells what came last. */
function record(pod: Pod): () => Promise<unknown> {
  let came: Promise<unknown>;
  pod.respond = (request, response) => {
    const { method, url, rawHeaders } = request;
    came = text(request).then((body) => {
      const boundary = /form-data-boundary-\d+|formdata-undici-\d+/g;
      return JSON.parse(
        JSON.stringify({ method, url, rawHeaders, body }).replaceAll(boundary, 'boundary'),
      ) as unknown;
    });
    void came.then(() => response.end());
  };
  return () => came;
}
