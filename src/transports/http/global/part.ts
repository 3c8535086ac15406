import type { Agent } from 'node:http';
import type { Settings } from '../../../config/settings.ts';
import { hostName } from '../../../core/base/host.ts';
import type { ServiceStats } from '../../../telemetry/stats.ts';
import { judgeOf } from '../../global/judge-of.ts';
import { Verdicts } from '../../global/verdicts.ts';
import { sharedResolverFor } from '../../resolver-for.ts';
import { HttpServices } from '../http-services.ts';
import type { NodeRequest, RequestOptions } from '../node-http.ts';
import { Redirect } from './redirect.ts';

export { COPY } from '../../../core/base/part.ts';

let takeovers = 0;

/** Balances the requests of Node's own agents. Loaded with the first request. */
export class Takeover {
  readonly #services: HttpServices;
  readonly #redirect: Redirect;

  constructor(settings: Settings) {
    const { clock, maxOrigins, newsTimeout, maxPendingRequests } = settings;
    const identity = `${hostName()} ${process.pid} node:http ${++takeovers}`;
    this.#services = new HttpServices({ settings, resolver: sharedResolverFor(settings), identity });
    const verdicts = new Verdicts({ judge: judgeOf(settings), clock, maxOrigins, timeout: newsTimeout });
    this.#redirect = new Redirect({
      services: this.#services,
      verdicts,
      clock,
      maxHeld: maxPendingRequests,
    });
  }

  get stats(): Record<string, ServiceStats> {
    return this.#services.stats;
  }

  /** Takes a request of an agent. Returns false if the agent must send it. */
  take(agent: Agent, request: NodeRequest, options: RequestOptions): boolean {
    // Asked first, because the names of mocks often don't exist.
    return !this.#services.mocks.areActive && this.#redirect.take(agent, request, options);
  }

  /** From now on, leaves all requests to their agents. Resolves when the requests under way have ended. */
  async end(): Promise<void> {
    this.#redirect.release();
    await this.#services.end((service) => service.close());
  }
}
