import type * as http from 'node:http';
import type { ServiceStats } from '../../telemetry/stats.ts';
import { type BalancedHttpAgentOptions, splitOptions } from './agent-options.ts';
import { Balanced } from './balanced.ts';

// By Node itself: an import of the module would load all of its parts, built-in undici among them.
const { Agent } = process.getBuiltinModule('node:http');
type ClientRequest = http.ClientRequest;

/**
 * An agent for `node:http` that keeps one pool of connections for each address behind a name, and chooses an address for
 * each request. Whatever it has of Node's own agents is as it is there.
 */
export class BalancedHttpAgent extends Agent {
  readonly #balanced: Balanced;

  /** @throws undici's `InvalidArgumentError` for an option that is unknown or isn't accepted, and what Node throws */
  constructor(options: BalancedHttpAgentOptions = {}) {
    const { node, own, settings } = splitOptions(options);
    super(node);
    this.#balanced = new Balanced(this, settings, own, () => new Agent(node));
  }

  /** What is known and under way, by origin. */
  get stats(): Record<string, ServiceStats> {
    return this.#balanced.stats;
  }

  /** What requests call. */
  addRequest(request: ClientRequest, options: object): void {
    this.#balanced.addRequest(this, request, options);
  }

  /** Waits for the requests taken so far, then closes all connections. Takes no new ones. */
  close(): Promise<void> {
    return this.#balanced.close();
  }

  /** Ends all requests, and all connections. Takes no new ones. */
  override destroy(): void {
    this.#balanced.destroy();
  }
}
