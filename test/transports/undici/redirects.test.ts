// The options maxRedirections and throwOnError, which undici 6 has and undici 7 doesn't.
import assert from 'node:assert/strict';
import { type Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import * as undici6 from 'undici6';
import * as undici7 from 'undici7';
import { Verdicts } from '../../../src/transports/global/verdicts.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { GlobalDispatcher } from '../../../src/transports/undici/global/global-dispatcher.ts';
import { FakeClock } from '../../support/clock.ts';
import { startPod } from '../../support/pods.ts';

interface Answer {
  statusCode: number;
  body: { text(): Promise<string> };
  context: { history?: URL[] } | undefined;
}
const older = undici6 as unknown as {
  Agent: new () => Dispatcher;
  request: (url: string, options: object) => Promise<Answer>;
  pipeline: (url: string, options: object, handler: (answer: { body: Readable }) => Readable) => Duplex;
};

const REQUESTS: [path: string, options: () => object][] = [
  ['/200', () => ({ throwOnError: true })],
  ['/200', () => ({ throwOnError: false })],
  ['/500', () => ({ throwOnError: true })],
  ['/200', () => ({ maxRedirections: 3 })],
  ['/302/end', () => ({ maxRedirections: 3, throwOnError: true })],
  ['/302/301/307/end', () => ({ maxRedirections: 3 })],
  ['/302/301/307/end', () => ({ maxRedirections: 2 })],
  ['/302/301/307/end', () => ({ maxRedirections: 2, throwOnMaxRedirect: true })],
  ['/302/end', () => ({ maxRedirections: 3, method: 'POST', body: 'text' })],
  ['/307/end', () => ({ maxRedirections: 3, method: 'POST', body: Readable.from(['text']) })],
  [
    '/303/end',
    () => ({ maxRedirections: 3, method: 'PUT', body: 'text', headers: { 'Content-Type': 'x', 'x-a': '1' } }),
  ],
  ['/303/end', () => ({ maxRedirections: 3, method: 'HEAD', headers: ['x-a', '1'] })],
  [
    '/302/away',
    () => ({ maxRedirections: 3, headers: { authorization: 'secret', cookie: 'a', 'x-a': ['1', '2'] } }),
  ],
  ['/302/away', () => ({ maxRedirections: 3, headers: ['Authorization', 'secret', 'x-a', '1'] })],
  ['/302/end', () => ({ maxRedirections: 3, headers: { authorization: 'mine', host: 'other' } })],
  ['/304', () => ({ maxRedirections: 3 })],
  ['/302', () => ({ maxRedirections: 0 })],
];

/** What callers of undici 6 learn through a dispatcher, and what servers get. */
async function story(t: TestContext, dispatcher: Dispatcher): Promise<unknown[]> {
  const [pod, other] = [await startPod(t), await startPod(t)];
  const entries: unknown[] = [];
  const nameOf = (text: string) =>
    text
      .replaceAll(`${pod.address}:${pod.port}`, 'pod')
      .replaceAll(`${other.address}:${other.port}`, 'other');
  for (const server of [pod, other])
    server.respond = ({ method, url, headers }, response) => {
      entries.push(nameOf(JSON.stringify([method, url, headers])));
      const [status, ...rest] = url!.slice(1).split('/');
      if (rest[0] === 'away') response.setHeader('location', `http://${other.address}:${other.port}/end?a=1`);
      else if (rest.length > 0) response.setHeader('location', `/${rest.join('/')}`);
      response.writeHead(Number(status) || 200).end(nameOf(`${method} ${url}`));
    };
  for (const [path, options] of REQUESTS) {
    const url = `http://${pod.address}:${pod.port}${path}`;
    try {
      const { statusCode, body, context } = await older.request(url, { dispatcher, ...options() });
      entries.push([statusCode, await body.text(), context?.history?.map(({ href }) => nameOf(href))]);
    } catch (error) {
      const { name, code, message } = error as NodeJS.ErrnoException;
      entries.push([name, code, message]);
    }
  }
  // Its body is a stream from which nothing is read.
  const pipeline = older.pipeline(
    `http://${pod.address}:${pod.port}/302/end`,
    {
      dispatcher,
      method: 'GET',
      maxRedirections: 3,
    },
    ({ body }) => body,
  );
  pipeline.end();
  entries.push(await text(pipeline));
  return entries;
}

/** What `install()` makes global. An Agent of undici 7, which refuses these options, has been global before. */
function installed(t: TestContext, verdict: 'managed' | 'foreign'): GlobalDispatcher {
  const agent = new BalancedAgent();
  const modern = new Agent();
  const legacy = new undici7.Agent() as unknown as Dispatcher;
  t.after(() => Promise.all([agent.destroy(), modern.destroy(), legacy.destroy()]));
  const clock = new FakeClock();
  const verdicts = new Verdicts({ judge: () => verdict, clock, maxOrigins: 10, timeout: 5_000 });
  return new GlobalDispatcher({ agent, previous: { legacy, modern }, verdicts, maxHeld: 10 });
}

const WAYS: Record<string, (t: TestContext) => Dispatcher> = {
  'over a BalancedAgent': () => new BalancedAgent(),
  'with an interceptor between': () => new BalancedAgent().compose((dispatch) => dispatch),
  'with install()': (t) => installed(t, 'managed'),
  'with install(), to what it leaves alone': (t) => installed(t, 'foreign'),
};

for (const [way, dispatcherOf] of Object.entries(WAYS))
  test(`requests of undici 6 follow redirects, and fail at errors, if they ask for it: ${way}`, async (t) => {
    const [stock, dispatcher] = [new older.Agent(), dispatcherOf(t)];
    t.after(() => Promise.all([stock.destroy(), dispatcher.destroy()]));
    assert.deepEqual(await story(t, dispatcher), await story(t, stock));
  });
