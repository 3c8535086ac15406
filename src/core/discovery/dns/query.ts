import type { RecordWithTtl, SrvRecord } from 'node:dns';
import type { Resolver } from 'node:dns/promises';
import type { Families, Family } from './families.ts';
import { InTurn, type InTurnOptions, isInability } from './in-turn.ts';
import type { FoundAddress } from './look-up-result.ts';

/** Where a name leads, in one address family. */
export interface Records {
  /** At least one, each once. */
  readonly addresses: readonly FoundAddress[];
  readonly family: Family;
  /** In milliseconds. */
  readonly ttl: number;
}

/** The questions of one look-up to the name servers. c-ares asks over TCP again if an answer was truncated. */
export class Query {
  readonly #options: InTurnOptions;
  readonly #asking = new Set<Pick<InTurn<unknown>, 'end'>>();
  #cancelled = false;

  constructor(options: InTurnOptions, signal: AbortSignal) {
    this.#options = options;
    signal.addEventListener('abort', () => this.cancel(), { once: true });
    if (signal.aborted) this.cancel();
  }

  /**
   * The addresses in the first family of which this host can reach one; `undefined` if the name has none. @throws an
   * error if the servers fail
   */
  async addresses(name: string, families: Families, first?: Family): Promise<Records | undefined> {
    let unreachable: Records | undefined;
    let failure: unknown;
    let unanswered: Family | undefined;
    const order = [...families.startingWith(first)];
    for (const family of order) {
      let answers: RecordWithTtl[] | 'no such name';
      try {
        answers = await this.#ask((resolver) =>
          family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }),
        );
      } catch (error) {
        // Some servers answer with a failure if a name has addresses of the other family only.
        if (first !== undefined || !isInability(error)) throw error;
        failure ??= error;
        unanswered = family;
        continue;
      }
      if (answers === 'no such name') break;
      const reachable = answers.filter(({ address }) => families.reaches(address));
      if (reachable.length > 0) return toRecords(reachable, family);
      if (answers.length > 0) unreachable ??= toRecords(answers, family);
      // Of several servers behind one address, one may fail. The one that has answered now may know more.
      else if (unanswered !== undefined) order.push(unanswered);
      unanswered = undefined;
    }
    if (unreachable === undefined && failure !== undefined) throw failure;
    return unreachable;
  }

  /** The SRV records of a name, or none. @throws an error if the servers fail */
  async services(name: string): Promise<SrvRecord[]> {
    const answers = await this.#ask((resolver) => resolver.resolveSrv(name));
    return answers === 'no such name' ? [] : answers;
  }

  /** Cancels what is being asked, and asks nothing more. */
  cancel(): void {
    this.#cancelled = true;
    for (const asking of this.#asking) asking.end();
  }

  async #ask<T>(question: (resolver: Resolver) => Promise<T[]>): Promise<T[] | 'no such name'> {
    if (this.#cancelled) throw new Error('cancelled');
    const asking = new InTurn(this.#options, question);
    this.#asking.add(asking);
    try {
      return await asking.result;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODATA') return [];
      // A name that is too long because of its search domain doesn't exist either.
      if (code === 'ENOTFOUND' || code === 'EBADNAME') return 'no such name';
      throw error;
    } finally {
      this.#asking.delete(asking);
    }
  }
}

function toRecords(answers: readonly RecordWithTtl[], family: Family): Records {
  return {
    addresses: [...new Set(answers.map(({ address }) => address))].map((address) => ({ address })),
    family,
    ttl: Math.min(...answers.map(({ ttl }) => ttl)) * 1000,
  };
}
