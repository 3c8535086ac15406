/** For how many milliseconds the budget keeps what it has not spent. */
const KEPT = 10_000;

export interface BudgetOptions {
  /** Retries that each request earns. */
  budget: number;
  /** Retries that each second earns. */
  minRetriesPerSecond: number;
}

/**
 * Limits how many retries a service may send: a share of its requests, and a few a second in any case. Both count about
 * the last ten seconds. After Finagle's RetryBudget, as a leaky bucket: what is not spent leaks away.
 * https://twitter.github.io/finagle/guide/Glossary.html
 */
export class RetryBudget {
  readonly #options: BudgetOptions;
  #tokens: number;
  #requests = 0;
  #at: number;

  constructor(options: BudgetOptions, now: number) {
    this.#options = options;
    this.#tokens = (options.minRetriesPerSecond * KEPT) / 1_000;
    this.#at = now;
  }

  /** Spends one retry. Returns false if there is none left. `requests`: how many the service has had since the start. */
  spend(requests: number, now: number): boolean {
    this.#fill(requests, now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  // Reads the time and the number of requests only when a retry is due, so that requests cost nothing.
  #fill(requests: number, now: number): void {
    const elapsed = Math.max(0, now - this.#at);
    const counted = elapsed > KEPT ? KEPT / elapsed : 1;
    const { budget, minRetriesPerSecond } = this.#options;
    const earned = budget * (requests - this.#requests) + (minRetriesPerSecond * elapsed) / 1_000;
    this.#tokens = this.#tokens * Math.max(0, 1 - elapsed / KEPT) + earned * counted;
    this.#requests = requests;
    this.#at = now;
  }
}
