import { LRUCache } from 'lru-cache';
import { afterIncoming, type Clock, type Timer } from '../../base/clock.ts';
import { type Family, familyOf, otherThan } from './families.ts';
import { knock } from './knock.ts';
import { type Known, LookUp, type LookUpOptions } from './look-up.ts';
import type { Absent, Failed, Found, FoundAddress, LookUpResult, Match } from './look-up-result.ts';
import { Sampled } from './sampled.ts';
import { SharedWork } from './shared-work.ts';

export interface DnsClientOptions extends LookUpOptions {
  /** For how many milliseconds an answer is used at least, whatever its TTL. */
  readonly minTtl: number;
  /** For how many milliseconds an answer is used at most. */
  readonly maxTtl: number;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A result with its times, on the clock. */
export type Outcome = DatedFound | (Dated & (Absent | Failed));

export interface DatedFound extends Dated, Found {
  /** When the answer expires. */
  readonly expiresAt: number;
}

interface Dated {
  /** When the look-up began, on the clock. */
  readonly askedAt: number;
  /** Until then, asking again brings the same outcome. */
  readonly freshUntil: number;
  /** How many questions it took. More than one if the other address family was asked for too. */
  readonly questions?: number;
}

interface Name extends Known {
  sampled?: Sampled | undefined;
  match?: Match | undefined;
  /** When the names before the match are to be asked for again, on the clock. */
  searchAt?: number;
  preferred?: Family | undefined;
  /** When the name may be turned to the other family again, on the clock. */
  turnableAt?: number;
  /** When both families may be compared again, on the clock. */
  comparableAt?: number;
  outcome?: Outcome;
  work?: SharedWork<Outcome> | undefined;
}

const REMEMBERED_NAMES = 4096;
/** After so many milliseconds, a name is looked for in the domains before its match again: it may be there now. */
const SEARCHED = 55_000;
/** For answers without a TTL. */
const DEFAULT_TTL = 5_000;
const NEGATIVE_TTL = 100;
/**
 * After so many milliseconds without an answer, the name is looked up a second time beside the first: the first value
 * if requests wait, the second if addresses are known.
 */
const UNANSWERED = 500;
const UNANSWERED_REFRESH = 1_000;
/** So many milliseconds after its TTL, an answer is too old to use. */
const STALE = 30_000;
/** For how many milliseconds a name isn't turned to the other address family again. */
const TURNED = 1_100;
/** How many milliseconds an address of the other family has to accept a connection, and how many addresses are tried. */
const LONGEST_KNOCK = 3_000;
const MOST_KNOCKS = 2;
/** By which part of its TTL an answer may be asked for early, so that clients don't ask all at once. */
const JITTER = 0.1;

const shared = new WeakMap<object, DnsClient>();

/** The client for everybody with these settings: an agent shares it with the code that decides which hosts it manages. */
export function sharedClient(settings: object, options: DnsClientOptions): DnsClient {
  const known = shared.get(settings);
  if (known !== undefined) return known;
  const client = new DnsClient(options);
  shared.set(settings, client);
  return client;
}

/** Looks names up, once for all who ask at the same time. Answers from memory while an answer is fresh. */
export class DnsClient {
  readonly #options: DnsClientOptions;
  readonly #lookUp: LookUp;
  // Names stay when nobody follows them, because the next look-up begins with the name that matched.
  readonly #names = new LRUCache<string, Name>({ max: REMEMBERED_NAMES });

  constructor(options: DnsClientOptions) {
    this.#options = options;
    this.#lookUp = new LookUp(options);
  }

  /**
   * Where the host name leads; `undefined` if `signal` aborts first. Answers to questions that were asked before
   * `after` don't count. With `isUnreachable`, no known address can be connected, so the name turns to its other
   * address family if the answer has no new address. Never throws.
   */
  async ask(
    hostname: string,
    signal: AbortSignal,
    after = Number.NEGATIVE_INFINITY,
    isUnreachable = false,
  ): Promise<Outcome | undefined> {
    const key = hostname.toLowerCase();
    const name = this.#names.get(key) ?? {};
    this.#names.set(key, name);
    const { outcome } = name;
    if (outcome && outcome.askedAt > after && this.#options.clock.now() < outcome.freshUntil) return outcome;
    if (name.work === undefined || name.work.cancelled) {
      name.work = new SharedWork((cancelled) => this.#askAnew(key, name, after, isUnreachable, cancelled));
    }
    return name.work.join(signal);
  }

  async #askAnew(
    hostname: string,
    name: Name,
    after: number,
    isUnreachable: boolean,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const before = name.outcome;
    let outcome = this.#completed(await this.#answer(hostname, name, after, signal), name);
    if (isUnreachable && outcome.name === 'found' && isCoveredBy(outcome, before)) {
      outcome = await this.#turned(hostname, name, outcome, signal);
    }
    if (signal.aborted) return outcome;
    name.outcome = outcome;
    name.work = undefined;
    if (outcome.name === 'found' && outcome.match && !outcome.provisional) name.match = outcome.match;
    return outcome;
  }

  /**
   * Turns a name to its other address family, if an address of that family accepts a connection while those of this
   * family are slow. A host that dials both families would use it (Happy Eyeballs, RFC 8305). Dials that are under way
   * go on, and may still be faster. Returns whether the name was turned, so that `ask` has a new answer. Never throws.
   */
  async turnIfQuicker(hostname: string, port: number, signal: AbortSignal): Promise<boolean> {
    const name = this.#names.get(hostname.toLowerCase());
    const known = name?.outcome;
    const now = this.#options.clock.now();
    if (name === undefined || known?.name !== 'found' || !this.#mayTurn(known)) return false;
    if (now < (name.comparableAt ?? 0) || signal.aborted) return false;
    name.comparableAt = now + LONGEST_KNOCK;
    const other = await this.#inOtherFamily(hostname, known, signal);
    if (other === undefined) return false;
    const late = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_KNOCK)]);
    const answers = other.addresses.slice(0, MOST_KNOCKS).map(async (address) => {
      if (!(await knock(address, port, late))) throw new Error('nobody is there');
    });
    const isThere = await Promise.any(answers).then(
      () => true,
      () => false,
    );
    // Meanwhile, another caller may have turned the name, or it may lead elsewhere.
    if (!isThere || signal.aborted || !isCoveredBy(known, name.outcome)) return false;
    name.preferred = familyIn(other.addresses);
    // It is news since the name was last asked for in its own family, which may have been meanwhile.
    name.outcome = { ...this.#completed(other, name), askedAt: this.#options.clock.now() };
    if (other.match && !other.provisional) name.match = other.match;
    return true;
  }

  /**
   * Where a name leads in the other address family, because none of its addresses in this family can be connected. A
   * host that dials both families would get through. Only one family is used at a time, because both lead to the same
   * pods, or to the same virtual IP.
   */
  async #turned(hostname: string, name: Name, known: DatedFound, signal: AbortSignal): Promise<Outcome> {
    const now = this.#options.clock.now();
    if (!this.#mayTurn(known) || now < (name.turnableAt ?? 0) || signal.aborted) return known;
    name.turnableAt = now + TURNED;
    const other = await this.#inOtherFamily(hostname, known, signal);
    if (other === undefined) return { ...known, questions: 2 };
    name.preferred = familyIn(other.addresses);
    return { ...this.#completed(other, name), questions: 2 };
  }

  #mayTurn({ addresses }: DatedFound): boolean {
    const own = familyIn(addresses);
    return this.#options.family === 'auto' && addresses.every(({ address }) => familyOf(address) === own);
  }

  /** Where else a name leads, if that becomes known soon. */
  async #inOtherFamily(
    hostname: string,
    known: DatedFound,
    signal: AbortSignal,
  ): Promise<DatedFound | undefined> {
    const { clock } = this.#options;
    const askedAt = clock.now();
    const patience = new AbortController();
    // If this process stood still, what has arrived meanwhile is read first.
    const impatience = clock.schedule(() => afterIncoming(clock, () => patience.abort()), UNANSWERED);
    try {
      const either = AbortSignal.any([signal, patience.signal]);
      const other = otherThan(familyIn(known.addresses));
      const outcome = this.#dated(await this.#lookUp.turn(hostname, known, other, either), askedAt);
      return outcome.name === 'found' ? outcome : undefined;
    } catch {
      // What is known stays in use.
      return undefined;
    } finally {
      impatience.cancel();
    }
  }

  /**
   * Adds addresses that belong to the set, but are missing in this answer, because the name server answers with
   * samples.
   */
  #completed(outcome: Outcome, name: Name): Outcome {
    if (outcome.name === 'absent') name.sampled = undefined;
    if (outcome.name !== 'found' || outcome.source !== 'dns' || outcome.match === undefined) return outcome;
    // What another name leads to is another set.
    if (outcome.match.name !== name.match?.name) name.sampled = undefined;
    name.sampled ??= new Sampled();
    return { ...outcome, addresses: name.sampled.add(outcome.addresses, outcome.match.family) };
  }

  /** Looks the name up. If no answer comes, looks it up once more beside that, because the server may be back. */
  async #answer(hostname: string, name: Name, after: number, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#options;
    const { outcome, match, preferred } = name;
    let searches = this.#searches(name);
    const isKnown = outcome?.name === 'found' && clock.now() < outcome.expiresAt + STALE;
    const isEarly = after > Number.NEGATIVE_INFINITY;
    const interval = isKnown && !isEarly ? UNANSWERED_REFRESH : UNANSWERED;
    const others = new AbortController();
    const answer = Promise.withResolvers<Outcome>();
    let again: Timer | undefined;
    const end = (): void => {
      again?.cancel();
      others.abort();
    };
    signal.addEventListener('abort', end, { once: true });
    const start = async (): Promise<void> => {
      const askedAt = clock.now();
      again = clock.schedule(() => void start(), interval);
      const known = { match, preferred, searches };
      // If the domains before the match are silent, the second look-up asks for the match first.
      searches = false;
      // One getaddrinfo is enough, because each one takes one of libuv's few threads.
      const result = await this.#lookUp.run(hostname, known, others.signal, () => again?.cancel());
      answer.resolve(this.#dated(result, askedAt));
    };
    void start();
    const first = await answer.promise;
    signal.removeEventListener('abort', end);
    end();
    return first;
  }

  /** Whether it is time to look for a name in the domains before its match. */
  #searches(name: Name): boolean {
    const now = this.#options.clock.now();
    if (now < (name.searchAt ?? 0)) return false;
    name.searchAt = now + SEARCHED;
    return true;
  }

  #dated(result: LookUpResult, askedAt: number): Outcome {
    const { clock, random, minTtl, maxTtl } = this.#options;
    const now = clock.now();
    switch (result.name) {
      case 'found': {
        const ttl = Math.max(minTtl, Math.min(result.ttl ?? DEFAULT_TTL, maxTtl));
        const freshUntil = now + ttl * (1 - JITTER * random());
        return { ...result, askedAt, freshUntil, expiresAt: now + ttl };
      }
      case 'absent':
        return { ...result, askedAt, freshUntil: now + NEGATIVE_TTL };
      case 'failed':
        return { ...result, askedAt, freshUntil: now };
    }
  }
}

/** Whether an outcome has nothing new. */
function isCoveredBy({ addresses }: DatedFound, before: Outcome | undefined): boolean {
  if (before?.name !== 'found') return false;
  return addresses.every(({ address, port }) =>
    before.addresses.some((known) => known.address === address && known.port === port),
  );
}

function familyIn([first]: readonly FoundAddress[]): Family {
  return familyOf(first?.address ?? '');
}
