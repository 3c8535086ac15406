import type { RetryReason, RetrySettings } from '../../config/settings.ts';
import type { Exchange } from '../../transports/undici/exchange.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { RetryBudget } from './budget.ts';
import { isRepeatable } from './repeatable.ts';

/** New connections that have ended, or were about to, without having looked at a request; one more fails it. */
const MOST_REROUTES = 8;

/** What has been tried for one request, once something has gone wrong. */
export class Attempts {
  /** Endpoints that have failed it. */
  readonly failed: Endpoint[] = [];
  /** Why the last one has. */
  error: Error | undefined;
  /** Times it was sent again. */
  resent = 0;
  /** Those of them that are limited. */
  retries = 0;
  /** Those of them that came after it had been sent in full, for all we know. */
  unsafe = 0;
  /** A server has refused its stream. */
  refused = false;
  /** Times its connection turned out to be gone, or going, so that nobody has looked at it. */
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

  /**
   * Whether it may be, which is counted. `requests`: all that the service ever had. What a server has not looked at goes
   * elsewhere once in any case, and for nothing, as gRPC's transparent retries:
   * https://github.com/grpc/proposal/blob/master/A6-client-retries.md#transparent-retries
   */
  allow(exchange: Exchange, reason: RetryReason, requests: number, now: number): boolean {
    const attempts = attemptsOf(exchange);
    // undici does so by itself, as it does with what a GOAWAY gives back.
    if (reason === 'refused' && !attempts.refused) {
      attempts.refused = true;
      attempts.resent++;
      attempts.retries++;
      return true;
    }
    const settings = this.#settings;
    if (settings === false || !settings.reasons.includes(reason)) return false;
    if (attempts.retries >= settings.attempts) return false;
    const unsafe = reason !== 'refused';
    if (unsafe && (attempts.unsafe > 0 || exchange.upgrades || !isRepeatable(exchange.options))) return false;
    if (!this.#budget!.spend(requests, now)) return false;
    attempts.resent++;
    attempts.retries++;
    if (unsafe) attempts.unsafe++;
    return true;
  }

  /**
   * The same of one that a peer gives back for having said, meanwhile, that it takes no more: with a GOAWAY, or a lower
   * limit on streams. That tells nothing of the next peer, and all may say so at once. Like what was never written, it is
   * none of the retries that can be switched off.
   */
  allowGivenBack(exchange: Exchange): boolean {
    if (!mayReroute(exchange)) return false;
    attemptsOf(exchange).resent++;
    return true;
  }
}

/**
 * Whether a request may go to one more connection, for the last one, which was new, did not look at it and is no more. It
 * is counted.
 */
export function mayReroute(exchange: Exchange): boolean {
  return ++attemptsOf(exchange).reroutes <= MOST_REROUTES;
}

export function attemptsOf(exchange: Exchange): Attempts {
  exchange.attempts ??= new Attempts();
  return exchange.attempts;
}
