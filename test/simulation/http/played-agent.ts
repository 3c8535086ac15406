import { Agent, type ClientRequest } from 'node:http';
import { AgentRequests } from '../../../src/transports/http/agent-requests.ts';
import type { HttpServices } from '../../../src/transports/http/http-services.ts';
import { asNodeAgent, asNodeRequest, type RequestOptions } from '../../../src/transports/http/node-http.ts';
import type { AgentPlan } from '../scenario.ts';

/** An agent whose requests evenkeel takes. */
export class PlayedAgent extends Agent {
  readonly taken: AgentRequests;
  /** Requests that it may have under way. */
  readonly most: number;

  constructor(plan: AgentPlan, services: HttpServices) {
    const maxSockets = plan.maxSockets || Number.POSITIVE_INFINITY;
    const maxTotalSockets = plan.maxTotalSockets || Number.POSITIVE_INFINITY;
    const timeout = plan.timeout || undefined;
    super({ keepAlive: true, maxSockets, maxTotalSockets, ...(timeout !== undefined && { timeout }) });
    this.most = Math.min(maxSockets, maxTotalSockets);
    this.taken = new AgentRequests(asNodeAgent(this), services, plan.balanced);
  }

  addRequest(request: ClientRequest, options: RequestOptions): void {
    if (!this.taken.take(asNodeRequest(request), options)) throw new Error('a request is left to Node');
  }
}
