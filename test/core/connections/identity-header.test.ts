import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { jain } from '../../netns/bed/evenness.ts';
import { ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { h2c, startH2Pod } from '../../support/h2-pod.ts';
import { startPod } from '../../support/pods.ts';
import { seededRandom } from '../../support/random.ts';
import { startVirtualIp } from '../../support/virtual-ip.ts';

const HEADER = 'x-pod-name';
const PODS = 6;
/** Answers of a pod that don't name it, where the first ones don't. */
const NAMELESS = 3;
/** Milliseconds. */
const WORK = 4;
const WINDOW = 1_000;
const MOST = 10_000;

/** How a pod answers first: under its name, without one, or with an error of what is before it. */
type First = 'named' | 'unnamed' | 503;

class NamedPod {
  served = 0;
  endpoint!: EndpointAddress;
  readonly #name: string;
  readonly #first: First;

  constructor(name: string, first: First) {
    this.#name = name;
    this.#first = first;
  }

  async start(t: TestContext, protocol: 'h1' | 'h2'): Promise<this> {
    if (protocol === 'h2') {
      const { endpoint } = await startH2Pod(t, (stream) => void this.#answerStream(stream));
      this.endpoint = endpoint;
    } else {
      const pod = await startPod(t);
      pod.respond = (_request, response) => void this.#answer(response);
      this.endpoint = pod.endpoint;
    }
    return this;
  }

  #head(): { status: number; headers: Record<string, string> } {
    if (++this.served > NAMELESS || this.#first === 'named') {
      return { status: 200, headers: { [HEADER]: this.#name } };
    }
    return { status: this.#first === 503 ? 503 : 200, headers: {} };
  }

  async #answer(response: ServerResponse<IncomingMessage>): Promise<void> {
    const { status, headers } = this.#head();
    await delay(WORK);
    response.writeHead(status, headers).end();
  }

  async #answerStream(stream: ServerHttp2Stream): Promise<void> {
    const { status, headers } = this.#head();
    await delay(WORK);
    if (stream.destroyed) return;
    stream.respond({ ':status': status, ...headers });
    stream.end();
  }
}

async function startNamedPods(
  t: TestContext,
  protocol: 'h1' | 'h2',
  first: First = 'named',
  count = PODS,
): Promise<NamedPod[]> {
  const pods = Array.from({ length: count }, (_, n) => new NamedPod(`pod-${n}`, first));
  return Promise.all(pods.map((pod) => pod.start(t, protocol)));
}

async function startSeeingAgent(
  t: TestContext,
  pods: readonly NamedPod[],
  protocol: 'h1' | 'h2',
): Promise<BalancedAgent> {
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods, seededRandom(1))], { virtual: true });
  return startAgent(t, [], {
    discovery: resolver.resolve,
    identityHeader: HEADER,
    ...(protocol === 'h2' && h2c),
  });
}

async function ask(agent: BalancedAgent): Promise<void> {
  const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  await body.dump();
}

/** Sends requests, so many at once, until `isDone`. */
async function keepAsking(agent: BalancedAgent, concurrency: number, isDone: () => boolean): Promise<void> {
  const worker = async () => {
    while (!isDone()) await ask(agent);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

for (const protocol of ['h1', 'h2'] as const) {
  describe(`identityHeader, ${protocol}`, { concurrency: true }, () => {
    for (const concurrency of [1, 20]) {
      for (const first of ['named', 'unnamed', 503] as const) {
        test(`${concurrency} at once, first answers ${first}: all pods have alike within ten seconds`, async (t) => {
          const pods = await startNamedPods(t, protocol, first);
          const agent = await startSeeingAgent(t, pods, protocol);
          const begun = performance.now();
          let evenness = 0;
          while (evenness < 0.98 && performance.now() - begun < MOST) {
            const before = pods.map(({ served }) => served);
            const until = performance.now() + WINDOW;
            await keepAsking(agent, concurrency, () => performance.now() >= until);
            evenness = jain(pods.map(({ served }, n) => served - before[n]!));
          }
          const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
          t.diagnostic(`Jain's index ${evenness.toFixed(3)} in second ${seconds}`);
          assert.ok(evenness >= 0.98, `${evenness}`);
        });
      }
    }
  });
}

test('what a connection of HTTP/2 carries when it is recognised, event streams too, counts as its pod’s from then on', async (t) => {
  const held: ServerHttp2Stream[] = [];
  let source: ServerHttp2Stream | undefined;
  const all = Promise.withResolvers<void>();
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    if (headers[':path'] === '/first') {
      // Another pod, as far as anybody can tell: one name alone might be what all share.
      stream.respond({ ':status': 200, [HEADER]: 'pod-9' });
      stream.end();
      stream.session!.close();
    } else if (headers[':path'] === '/events') {
      stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
      stream.write(':\n\n');
      source = stream;
    } else {
      held.push(stream);
    }
    if (nth === 7) all.resolve();
  });
  const resolver = new ManualResolver();
  resolver.set([pod], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: HEADER, spread: 1, ...h2c });
  const first = await agent.request({ origin: ORIGIN, path: '/first', method: 'GET' });
  await first.body.dump();
  const events = await agent.request({ origin: ORIGIN, path: '/events', method: 'GET' });
  const asked = Array.from({ length: 5 }, () => ask(agent));
  await all.promise;
  const counts = () =>
    agent.stats[ORIGIN]!.endpoints.map(({ identity, inFlight, requests }) => ({
      identity,
      inFlight,
      requests,
    }));
  assert.deepEqual(counts(), [{ identity: undefined, inFlight: 5, requests: 7 }]);
  const answer = (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, [HEADER]: 'pod-0' });
    stream.end();
  };
  answer(held.shift()!);
  await Promise.race(asked);
  assert.deepEqual(counts(), [{ identity: 'pod-0', inFlight: 4, requests: 6 }]);
  for (const stream of held) answer(stream);
  await Promise.all(asked);
  source!.end();
  await events.body.dump();
  assert.deepEqual(counts(), [{ identity: 'pod-0', inFlight: 0, requests: 6 }]);
});
