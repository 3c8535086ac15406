import './transports/undici/global/inert.ts';

export type { BalancedHttpAgentOptions, BalancedHttpsAgentOptions } from './transports/http/agent-options.ts';
export { BalancedHttpAgent } from './transports/http/http-agent.ts';
export { BalancedHttpsAgent } from './transports/http/https-agent.ts';
