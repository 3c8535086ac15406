import { RetryBudget } from './budget.ts';
import type { Call } from './call.ts';
import { History } from './history.ts';
import type { Refusal, RetryReason, RetrySettings } from './settings.ts';

/** A call fails after this many new connections that ended, or were going away, without having processed it. */
const MOST_REROUTES = 8;

/**
 * A call fails after a peer has refused it this many times for taking fewer streams than when the call was sent.
 * There may be many, because such a peer serves other calls meanwhile: of ten that are sent at once to connections
 * that serve one each, the last is refused nine times.
 */
const MOST_OVER_LIMIT = 32;

/** A call fails after this many idle connections that ended just as it was sent. */
const MOST_CROSSED = 2;

/** Decides whether a call that failed before a response is sent again. */
export class Retries {
  readonly #settings: RetrySettings | false;
  readonly #budget: RetryBudget | undefined;

  constructor(settings: RetrySettings | false, now: number) {
    this.#settings = settings;
    if (settings !== false) this.#budget = new RetryBudget(settings, now);
  }

  /**
   * Whether a call may be sent again, and counts it. If a server has not processed the call, the call goes elsewhere
   * once in any case, without a cost to the budget, as gRPC's transparent retries do:
   * https://github.com/grpc/proposal/blob/master/A6-client-retries.md#transparent-retries
   *
   * @param requests how many calls the service has taken, since the start
   */
  allow(call: Call, reason: RetryReason, requests: number, now: number): boolean {
    const history = historyOf(call);
    // undici does the same by itself, as it does for requests that a GOAWAY refuses.
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
   * The same for a call that a peer refuses because it has just said that it takes no more (GOAWAY), or fewer streams.
   * That says nothing about the next peer, and all peers may say so at once. So `retry: false` doesn't switch this off:
   * the call was never processed, as if it had never been written.
   */
  allowGivenBack(call: Call, how: Exclude<Refusal, 'refused'>): boolean {
    const history = historyOf(call);
    const allowed = how === 'gone-away' ? allowReroute(call) : ++history.overLimit <= MOST_OVER_LIMIT;
    if (allowed) history.resent++;
    return allowed;
  }

  /**
   * The same for a call whose idle connection ended just as the call was sent. Most likely the end was already on its
   * way, and says nothing about this call. So this costs nothing of the budget, as in Go's net/http.
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
 * Whether a call may go to one more connection, because the last one was new, and is gone without having processed
 * it. Counts it.
 */
export function allowReroute(call: Call): boolean {
  return ++historyOf(call).reroutes <= MOST_REROUTES;
}

function historyOf(call: Call): History {
  call.history ??= new History();
  return call.history;
}
