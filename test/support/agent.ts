import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import type { EndpointAddress, Resolution, Resolver } from '../../src/core/discovery/resolver.ts';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';

export const ORIGIN = 'http://orders.prod';

interface Addressed {
  readonly endpoint: EndpointAddress;
}

/** A resolver that yields what it is told to. */
export class ManualResolver {
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #resolution: Resolution | undefined;
  /** How often somebody began to follow. */
  followers = 0;

  constructor(pods: readonly Addressed[] = []) {
    if (pods.length > 0) this.set(pods);
  }

  set(pods: readonly Addressed[], more: Partial<Resolution> = {}): void {
    this.say({ endpoints: pods.map(({ endpoint }) => endpoint), source: 'test', ...more });
  }

  say(resolution: Resolution): void {
    this.#resolution = resolution;
    this.#version++;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  readonly resolve: Resolver = async function* (this: ManualResolver, _target: unknown, signal: AbortSignal) {
    this.followers++;
    let seen = 0;
    while (!signal.aborted) {
      if (seen < this.#version) {
        seen = this.#version;
        yield this.#resolution!;
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting.add(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  }.bind(this) as Resolver;
}

/** Starts an agent that finds `pods` behind any name. When the test ends it is destroyed. */
export function startAgent(
  t: TestContext,
  pods: readonly Addressed[],
  options: BalancedAgentOptions = {},
): BalancedAgent {
  const agent = new BalancedAgent({ discovery: new ManualResolver(pods).resolve, ...options });
  t.after(() => agent.destroy());
  return agent;
}

/** Sends a GET request and returns the body. */
export async function get(agent: BalancedAgent, path = '/', origin = ORIGIN): Promise<string> {
  const response = await agent.request({ origin, path, method: 'GET' });
  const body = await response.body.text();
  assert.equal(response.statusCode, 200);
  return body;
}

/** Sends `count` GET requests, up to `concurrency` at once. */
export async function load(
  agent: BalancedAgent,
  count: number,
  concurrency = 1,
  origin = ORIGIN,
): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await get(agent, '/', origin);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
