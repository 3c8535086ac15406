import type { Agent, ClientRequest } from 'node:http';
import type { ServiceStats } from '../../telemetry/stats.ts';
import { type BalancedHttpAgentOptions, splitOptions } from './agent-options.ts';
import { Balanced } from './balanced.ts';

/** What an agent has that balances, beside all that Node's own has. */
export interface Balancing {
  /** What is known and under way, by origin. */
  readonly stats: Record<string, ServiceStats>;
  /** What requests call. */
  addRequest(request: ClientRequest, options: object): void;
  /** Waits for the requests taken so far, then closes all connections. Takes no new ones. */
  close(): Promise<void>;
  /** Ends all requests, and all connections. Takes no new ones. */
  destroy(): void;
}

/**
 * Makes a class of agents that balance of one of Node's own, that of `node:http` or that of `node:https`. It throws undici's
 * `InvalidArgumentError` for an option that is unknown or isn't accepted, and what Node throws.
 */
export function balancedAgentClass(
  NodeAgent: typeof Agent,
): new (
  options?: BalancedHttpAgentOptions,
) => Agent & Balancing {
  return class extends NodeAgent implements Balancing {
    readonly #balanced: Balanced;

    constructor(options: BalancedHttpAgentOptions = {}) {
      const { node, own, settings } = splitOptions(options);
      super(node);
      this.#balanced = new Balanced(this, settings, own, () => new NodeAgent(node));
    }

    get stats(): Record<string, ServiceStats> {
      return this.#balanced.stats;
    }

    addRequest(request: ClientRequest, options: object): void {
      this.#balanced.addRequest(this, request, options);
    }

    close(): Promise<void> {
      return this.#balanced.close();
    }

    override destroy(): void {
      this.#balanced.destroy();
    }
  };
}
