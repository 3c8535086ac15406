import { balancedAgentClass } from './balanced-agent-class.ts';

// Not imported: an import would load all parts of the module, among them built-in undici.
const { Agent } = process.getBuiltinModule('node:http');

/**
 * An agent for `node:http` that balances over the pods behind a name: it keeps connections to each pod, and chooses a
 * pod for each request. In all else, it is like Node's own agent.
 */
export class BalancedHttpAgent extends balancedAgentClass(Agent) {}
