import type { Agent } from 'node:http';
import { type AddRequest, agentPrototype, type NodeRequest, type RequestOptions } from '../node-http.ts';

/** Takes a request of an agent. Returns false if the agent must send it. */
type Take = (agent: Agent, request: NodeRequest, options: RequestOptions) => boolean;

/**
 * Makes all agents with Node's own `addRequest` ask `take` first. `https.Agent` inherits it, and code that has bound
 * `http.request` before reaches it too.
 *
 * @returns a function that undoes it. If other code has wrapped it meanwhile, that stays, and calls Node's own
 */
export function patchAgents(take: Take): () => void {
  const original: AddRequest = agentPrototype.addRequest;
  let active = true;
  function addRequest(
    this: Agent,
    request: NodeRequest,
    options: RequestOptions,
    ...legacy: unknown[]
  ): void {
    // In Node's oldest form, `options` is a host.
    if (active && typeof options === 'object' && take(this, request, options)) return;
    original.call(this, request, options, ...legacy);
  }
  agentPrototype.addRequest = addRequest;
  return () => {
    active = false;
    if (agentPrototype.addRequest === addRequest) agentPrototype.addRequest = original;
  };
}
