// Requests to pods behind one address, which name themselves in a header.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { jain } from '../../netns/bed/evenness.ts';
import { ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { h2c, startH2Pod } from '../../support/h2-pod.ts';
import { startPod } from '../../support/pods.ts';
import { seededRandom } from '../../support/random.ts';
import { startVirtualIp } from '../../support/virtual-ip.ts';

export const HEADER = 'x-pod-name';
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

export async function ask(agent: BalancedAgent): Promise<void> {
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

/** Pods are told apart by their names, as their first answers allow: each has as much as the others before long. */
export function testEvenness(protocol: 'h1' | 'h2', concurrency: number, first: First): void {
  test(`${protocol}, ${concurrency} at once, first answers ${first}: all pods have alike within ten seconds`, async (t) => {
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
