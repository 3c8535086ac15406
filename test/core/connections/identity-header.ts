// Requests to pods behind one address, which name themselves in a header.
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../../../src/core/base/clock.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { jain } from '../../netns/bed/evenness.ts';
import { ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { h2c, startH2Pod } from '../../support/h2-pod.ts';
import { startPassingClock } from '../../support/passing-clock.ts';
import { startPod } from '../../support/pods.ts';
import { seededRandom } from '../../support/random.ts';
import { startVirtualIp } from '../../support/virtual-ip.ts';

export const HEADER = 'x-pod-name';
const PODS = 6;
/** Answers of a pod that don't name it, where the first ones don't. */
const NAMELESS = 3;
/** Milliseconds. */
const WORK = 10;
const WINDOW = 1_000;
const MOST = 10_000;

/** How a pod answers first: under its name, without one, or with an error of what is before it. */
type First = 'named' | 'unnamed' | 503;

class NamedPod {
  served = 0;
  endpoint!: EndpointAddress;
  readonly #name: string;
  readonly #first: First;
  readonly #clock: Clock;

  constructor(name: string, first: First, clock: Clock) {
    this.#name = name;
    this.#first = first;
    this.#clock = clock;
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

  #work(): Promise<void> {
    return new Promise((resolve) => void this.#clock.schedule(resolve, WORK));
  }

  async #answer(response: ServerResponse<IncomingMessage>): Promise<void> {
    const { status, headers } = this.#head();
    await this.#work();
    response.writeHead(status, headers).end();
  }

  async #answerStream(stream: ServerHttp2Stream): Promise<void> {
    const { status, headers } = this.#head();
    await this.#work();
    if (stream.destroyed) return;
    stream.respond({ ':status': status, ...headers });
    stream.end();
  }
}

async function startNamedPods(
  t: TestContext,
  clock: Clock,
  protocol: 'h1' | 'h2',
  first: First = 'named',
  count = PODS,
): Promise<NamedPod[]> {
  const pods = Array.from({ length: count }, (_, n) => new NamedPod(`pod-${n}`, first, clock));
  return Promise.all(pods.map((pod) => pod.start(t, protocol)));
}

async function startSeeingAgent(
  t: TestContext,
  clock: Clock,
  pods: readonly NamedPod[],
  protocol: 'h1' | 'h2',
): Promise<BalancedAgent> {
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods, seededRandom(1))], { virtual: true });
  return startAgent(t, [], {
    discovery: resolver.resolve,
    identityHeader: HEADER,
    clock,
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
    // Not that of this process, which may stand still.
    const clock = startPassingClock(t);
    const pods = await startNamedPods(t, clock, protocol, first);
    const agent = await startSeeingAgent(t, clock, pods, protocol);
    const begun = clock.now();
    let evenness = 0;
    while (evenness < 0.98 && clock.now() - begun < MOST) {
      const before = pods.map(({ served }) => served);
      const until = clock.now() + WINDOW;
      await keepAsking(agent, concurrency, () => clock.now() >= until);
      evenness = jain(pods.map(({ served }, n) => served - before[n]!));
    }
    const seconds = ((clock.now() - begun) / 1_000).toFixed(0);
    t.diagnostic(`Jain's index ${evenness.toFixed(3)} in second ${seconds}`);
    assert.ok(evenness >= 0.98, `${evenness}`);
  });
}
