import type { Agent } from 'node:https';
import type { BalancedHttpsAgentOptions } from './agent-options.ts';
import { type Balancing, balancedAgentClass } from './balanced-agent-class.ts';

// Not imported: an import would load all parts of the module, among them built-in undici.
const https = process.getBuiltinModule('node:https');
const Base = balancedAgentClass(https.Agent) as new (
  options?: BalancedHttpsAgentOptions,
) => Agent & Balancing;

/**
 * An agent for `node:https` that balances over the pods behind a name: it keeps connections to each pod, and chooses a
 * pod for each request. In all else, it is like Node's own agent.
 */
export class BalancedHttpsAgent extends Base {}
