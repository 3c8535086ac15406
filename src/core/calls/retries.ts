import { RetryBudget } from './budget.ts';
import type { Call } from './call.ts';
import { History } from './history.ts';
import type { Refusal, RetryReason, RetrySettings } from './settings.ts';

/** New connections that have ended, or were about to, without having looked at a request; one more fails it. */
const MOST_REROUTES = 8;

/**
 * Times that a peer has refused a request for taking fewer streams than it had when that was sent; one more fails it.
 * They may be many, for such a peer serves others meanwhile: of ten that are sent at once to connections that serve one
 * each, the last is refused nine times.
 */
const MOST_OVER_LIMIT = 32;

/** Idle connections that have ended just as a request was sent on them; one more fails it. */
const MOST_CROSSED = 2;

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
  allow(call: Call, reason: RetryReason, requests: number, now: number): boolean {
    const history = historyOf(call);
    // undici does so by itself, as it does with what a GOAWAY gives back.
    if (reason === 'refused' && !history.refused) {
      history.refused = true;
      history.resent++;
      history.retries++;
      return true;
    }
    const settings = this.#settings;
    if (settings === false || !settings.reasons.includes(reason)) return false;
    if (history.retries >= settings.attempts) return false;
    const unsafe = reason !== 'refused';
    if (unsafe && (history.unsafe > 0 || call.upgrades || !call.repeatable)) return false;
    if (!this.#budget!.spend(requests, now)) return false;
    history.resent++;
    history.retries++;
    if (unsafe) history.unsafe++;
    return true;
  }

  /**
   * The same of one that a peer gives back for having said, meanwhile, that it takes no more: with a GOAWAY, or a lower
   * limit on streams. That tells nothing of the next peer, and all may say so at once. Like what was never written, it is
   * none of the retries that can be switched off.
   */
  allowGivenBack(call: Call, how: Exclude<Refusal, 'refused'>): boolean {
    const history = historyOf(call);
    const allowed = how === 'gone-away' ? mayReroute(call) : ++history.overLimit <= MOST_OVER_LIMIT;
    if (allowed) history.resent++;
    return allowed;
  }

  /**
   * The same of one whose connection had been idle, and ended just as it was sent: its end was on the way, for all we know.
   * It takes nothing from the budget, as one that Go's net/http sends again: the peer has said nothing of this request.
   */
  allowCrossed(call: Call): boolean {
    const settings = this.#settings;
    if (settings === false || !settings.reasons.includes('reset')) return false;
    if (call.upgrades || !call.repeatable) return false;
    const history = historyOf(call);
    if (history.crossed === MOST_CROSSED) return false;
    history.crossed++;
    history.resent++;
    return true;
  }
}

/**
 * Whether a request may go to one more connection, for the last one, which was new, did not look at it and is no more. It
 * is counted.
 */
export function mayReroute(call: Call): boolean {
  return ++historyOf(call).reroutes <= MOST_REROUTES;
}

export function historyOf(call: Call): History {
  call.history ??= new History();
  return call.history;
}
