import type { RetryReason, RetrySettings } from '../config/settings.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Exchange } from '../request/exchange.ts';
import { RetryBudget } from './budget.ts';
import { isRepeatable } from './repeatable.ts';

/** What has been tried for one request, once something has gone wrong. */
export class Attempts {
  /** Endpoints that have failed it. */
  readonly failed: Endpoint[] = [];
  /** Why the last one has. */
  error: Error | undefined;
  /** Times it was sent again. */
  retries = 0;
  /** Those of them that came after it had been sent in full, for all we know. */
  unsafe = 0;
  /** Times its connection turned out to be gone before it was written. */
  reroutes = 0;
}

/** Decides whether a request that has failed before a response is sent again. */
export class Retries {
  readonly #settings: RetrySettings | false;
  readonly #budget: RetryBudget | undefined;

  constructor(settings: RetrySettings | false, now: number) {
    this.#settings = settings;
    if (settings !== false) this.#budget = new RetryBudget(settings, now);
  }

  /** Whether it may be, which is counted. `requests`: all that the service ever had. */
  allow(exchange: Exchange, reason: RetryReason, requests: number, now: number): boolean {
    const settings = this.#settings;
    if (settings === false || !settings.reasons.includes(reason)) return false;
    const attempts = attemptsOf(exchange);
    if (attempts.retries >= settings.attempts) return false;
    const unsafe = reason !== 'refused';
    if (unsafe && (attempts.unsafe > 0 || exchange.upgrades || !isRepeatable(exchange.options))) return false;
    // What the server has not looked at goes elsewhere once for nothing, as gRPC's transparent retries:
    // https://github.com/grpc/proposal/blob/master/A6-client-retries.md#transparent-retries
    const free = !unsafe && attempts.retries === 0;
    if (!free && !this.#budget!.spend(requests, now)) return false;
    attempts.retries++;
    if (unsafe) attempts.unsafe++;
    return true;
  }
}

export function attemptsOf(exchange: Exchange): Attempts {
  exchange.attempts ??= new Attempts();
  return exchange.attempts;
}
