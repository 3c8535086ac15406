import { Resolver } from 'node:dns/promises';
import { systemClock, type Timer } from '../../base/clock.ts';

export interface InTurnOptions {
  /** Each is `ip`, `ip:port` or `[ip]:port`. An empty list: those of the system. */
  readonly servers: readonly string[];
  /** After how many milliseconds the next server is asked too. */
  readonly timeout: number;
  readonly attempts: number;
}

// After one of these answers, the next server is asked, as in glibc.
const UNABLE = new Set(['ESERVFAIL', 'ENOTIMP', 'EREFUSED', 'EBADRESP']);
// After one of these, the next server is asked too, and this one again in the next round.
const UNHEARD = new Set(['ETIMEOUT', 'ECONNREFUSED']);

/** Whether a server said that it can't answer. */
export function isInability(error: unknown): boolean {
  return UNABLE.has((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Asks one question, one server after another, in rounds. A server that was asked may answer until the end: it may be
 * slow and not silent.
 */
export class InTurn<T> {
  readonly #options: InTurnOptions;
  readonly #question: (resolver: Resolver) => Promise<T>;
  readonly #unable = new Set<number>();
  readonly #result = Promise.withResolvers<T>();
  readonly #open = new Set<Resolver>();
  #asked = 0;
  #next: Timer | undefined;
  #failure: unknown;
  #over = false;

  constructor(options: InTurnOptions, question: (resolver: Resolver) => Promise<T>) {
    this.#options = options;
    this.#question = question;
    this.#askNext();
  }

  /** The first answer. Rejects if the answer is that there is nothing, or when all servers have failed. */
  get result(): Promise<T> {
    return this.#result.promise;
  }

  /** Cancels what is still being asked. */
  end(): void {
    this.#over = true;
    this.#next?.cancel();
    for (const resolver of this.#open) resolver.cancel();
  }

  #servers(): number {
    return Math.max(1, this.#options.servers.length);
  }

  #askNext(): void {
    this.#next?.cancel();
    this.#next = undefined;
    const total = this.#servers() * this.#options.attempts;
    while (this.#asked < total && this.#unable.has(this.#asked % this.#servers())) this.#asked++;
    if (this.#asked < total) this.#ask(this.#asked++ % this.#servers(), total - this.#asked);
    else if (this.#open.size === 0) this.#result.reject(this.#failure);
  }

  /** Asks a server. `after`: how many more may be asked after it. */
  #ask(server: number, after: number): void {
    const { servers, timeout } = this.#options;
    const patience = timeout * (after + 1);
    // A new one for each question: after a few quick answers, c-ares takes a server that needs a second for silent.
    const resolver = new Resolver({ timeout: patience, tries: 1, maxTimeout: patience });
    if (servers.length > 0) resolver.setServers(servers.slice(server, server + 1));
    this.#open.add(resolver);
    this.#question(resolver).then(
      (answer) => this.#settle(() => this.#result.resolve(answer)),
      (error: NodeJS.ErrnoException) => this.#onError(resolver, server, error),
    );
    if (after > 0) this.#next = systemClock.schedule(() => this.#askNext(), timeout);
  }

  #onError(resolver: Resolver, server: number, error: NodeJS.ErrnoException): void {
    this.#open.delete(resolver);
    const code = error.code ?? '';
    if (isInability(error)) {
      this.#unable.add(server);
    } else if (!UNHEARD.has(code)) {
      this.#settle(() => this.#result.reject(error));
      return;
    }
    // Silence is the most important failure: the next caller would wait for it too.
    if (this.#failure === undefined || code === 'ETIMEOUT') this.#failure = error;
    if (!this.#over) this.#askNext();
  }

  #settle(how: () => void): void {
    if (!this.#over) this.end();
    how();
  }
}
