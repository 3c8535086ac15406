import type { Agent } from 'node:https';
import type { BalancedHttpsAgentOptions } from './agent-options.ts';
import { type Balancing, balancedAgentClass } from './balanced-agent-class.ts';

// By Node itself: an import of the module would load all of its parts, built-in undici among them.
const https = process.getBuiltinModule('node:https');
const Base = balancedAgentClass(https.Agent) as new (
  options?: BalancedHttpsAgentOptions,
) => Agent & Balancing;

/**
 * An agent for `node:https` that keeps one pool of connections for each address behind a name, and chooses an address for
 * each request. Whatever it has of Node's own agents is as it is there.
 */
export class BalancedHttpsAgent extends Base {}
