import type { Agent, ClientRequest } from 'node:http';
import type { ServiceStats } from '../../telemetry/stats.ts';
import { type BalancedHttpAgentOptions, splitOptions } from './agent-options.ts';
import { Balanced } from './balanced.ts';

/** What a balanced agent has, beside everything that Node's own agent has. */
export interface Balancing {
  /** What evenkeel knows about the pods of each origin. */
  readonly stats: Record<string, ServiceStats>;
  /** Called by requests. */
  addRequest(request: ClientRequest, options: object): void;
  /** Waits for the requests that the agent has taken, then closes all connections. The agent takes no new requests. */
  close(): Promise<void>;
  /** Ends all requests and all connections. The agent takes no new requests. */
  destroy(): void;
}

/**
 * Makes a class of balanced agents from one of Node's own classes, that of `node:http` or that of `node:https`. Its
 * constructor throws undici's `InvalidArgumentError` if an option is unknown or isn't accepted, and what Node throws.
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
