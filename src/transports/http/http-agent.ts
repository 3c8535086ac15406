import { balancedAgentClass } from './balanced-agent-class.ts';

// By Node itself: an import of the module would load all of its parts, built-in undici among them.
const { Agent } = process.getBuiltinModule('node:http');

/**
 * An agent for `node:http` that keeps one pool of connections for each address behind a name, and chooses an address for
 * each request. Whatever it has of Node's own agents is as it is there.
 */
export class BalancedHttpAgent extends balancedAgentClass(Agent) {}
