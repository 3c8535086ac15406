import type { Agent } from 'node:http';
import { type AddRequest, agentPrototype, type NodeRequest, type RequestOptions } from '../node-http.ts';

/** Takes a request of an agent; false if that one is to have it. */
type Take = (agent: Agent, request: NodeRequest, options: RequestOptions) => boolean;

/**
 * Has all agents that have Node's own way of taking requests ask first. `https.Agent` inherits it, and whoever has bound
 * `http.request` before comes to it, too.
 *
 * @returns what undoes it. Whoever has wrapped it meanwhile stays, and comes to Node's own
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
    // In Node's oldest form, the second is a host.
    if (active && typeof options === 'object' && take(this, request, options)) return;
    original.call(this, request, options, ...legacy);
  }
  agentPrototype.addRequest = addRequest;
  return () => {
    active = false;
    if (agentPrototype.addRequest === addRequest) agentPrototype.addRequest = original;
  };
}
