import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Call, callsOf, type Reply, replyTo, type Scenario } from './scenario.ts';
import { takeWrites, type Write } from './writes.ts';

/** Turns of the event loop within which a client in this process reads what it was sent: in one it is polled, in one more read. */
const TURNS = 3;

/** One connection, as its server saw it. */
export interface Wire {
  readonly pod: number;
  readonly openedAt: number;
  closedAt: number | undefined;
  requests: number;
  /** When the server first did it harm: ended it, broke it, or said that it goes. */
  harmedAt: number | undefined;
  harm: string;
  /** When its client must have noticed that: what is written after it has no excuse. */
  heardAt: number | undefined;
  /** When it had sent each response in full. */
  readonly answers: number[];
  /** The requests that its client has written. */
  writes: readonly Write[];
  /** Requests on it that have come, and not been answered in full. */
  readonly open: Set<Attempt>;
}

/** One request, as it arrived. */
export interface Attempt {
  readonly call: number;
  /** What is done about it. */
  readonly reply: Reply;
  readonly wire: Wire;
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** Names in lower case, and sorted. */
  readonly headers: readonly string[];
  readonly hash: ReturnType<typeof createHash>;
  length: number;
  /** All of the body has come. */
  whole: boolean;
  body: string;
  /** The server has said, in a way that counts, that it did not look at it. */
  refused: boolean;
  answered: 'no' | 'part' | 'full';
  /** The server has nothing more to send, so that its client may know of the end before it does. */
  ended: boolean;
  answeredAt: number | undefined;
  /** What the server did to it instead of answering. */
  broken: string | undefined;
}

/** What the servers of one scenario know. */
export class Ledger {
  readonly wires: Wire[] = [];
  readonly attempts = new Map<number, Attempt[]>();
  readonly open = new Set<Wire>();
  /** Requests that nobody knows. */
  readonly strangers: string[] = [];
  /** The most requests that a pod has had at once. */
  readonly most: number[] = [];
  readonly #calls: Map<number, Call>;
  readonly #ends = new Map<Wire, { address: string; port: number; clientPort: number }>();
  #onEmpty: (() => void) | undefined;

  constructor(scenario: Scenario) {
    this.#calls = new Map(callsOf(scenario).map((call) => [call.id, call]));
  }

  connected(pod: number, socket: Socket): Wire {
    const wire: Wire = {
      pod,
      openedAt: performance.now(),
      closedAt: undefined,
      requests: 0,
      harmedAt: undefined,
      harm: '',
      heardAt: undefined,
      answers: [],
      writes: [],
      open: new Set(),
    };
    this.wires.push(wire);
    this.open.add(wire);
    const { localAddress: address = '', localPort: port = 0, remotePort: clientPort = 0 } = socket;
    this.#ends.set(wire, { address, port, clientPort });
    return wire;
  }

  closed(wire: Wire): void {
    wire.closedAt = performance.now();
    this.open.delete(wire);
    if (this.open.size === 0) this.#onEmpty?.();
  }

  /** Resolves when no connection is open, or after so many milliseconds. */
  async drained(timeout: number): Promise<void> {
    if (this.open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeout);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The head of a request has come: what is done about it, and where that is noted. */
  received(
    wire: Wire,
    method: string,
    path: string,
    headers: readonly string[],
  ): { attempt: Attempt; reply: Reply } | undefined {
    const id = Number(/^\/?c(\d+)/.exec(path)?.[1]);
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.strangers.push(`${method} ${path}`);
      return undefined;
    }
    const earlier = this.attempts.get(id) ?? [];
    this.attempts.set(id, earlier);
    const reply = replyTo(call, earlier.length);
    const attempt: Attempt = {
      call: id,
      reply,
      wire,
      at: performance.now(),
      method,
      path,
      headers,
      hash: createHash('sha1'),
      length: 0,
      whole: false,
      body: '',
      refused: false,
      answered: 'no',
      ended: false,
      answeredAt: undefined,
      broken: undefined,
    };
    wire.requests++;
    wire.open.add(attempt);
    this.#count(wire.pod);
    earlier.push(attempt);
    return { attempt, reply };
  }

  #count(pod: number): void {
    let now = 0;
    for (const wire of this.open) {
      if (wire.pod === pod) for (const { ended } of wire.open) if (!ended) now++;
    }
    this.most[pod] = Math.max(this.most[pod] ?? 0, now);
  }

  body(attempt: Attempt, chunk: Buffer): void {
    attempt.length += chunk.length;
    attempt.hash.update(chunk);
  }

  whole(attempt: Attempt): void {
    attempt.whole = true;
    attempt.body = `${attempt.length} ${attempt.hash.digest('hex').slice(0, 12)}`;
  }

  answered(attempt: Attempt): void {
    attempt.answered = 'full';
    attempt.answeredAt = performance.now();
    attempt.wire.answers.push(attempt.answeredAt);
    attempt.wire.open.delete(attempt);
  }

  /** The server does something to a connection that no request on it may survive. */
  harmed(wire: Wire, how: string): void {
    wire.harmedAt ??= performance.now();
    wire.harm ||= how;
    wire.heardAt = undefined;
    for (const attempt of wire.open) attempt.broken ??= how;
  }

  /** The client has been sent what the server did to a connection, and hears of it within so many turns of the loop. */
  sent(wire: Wire, turns = TURNS): void {
    if (turns > 0) setImmediate(() => this.sent(wire, turns - 1));
    else wire.heardAt = performance.now();
  }

  /** All is over: what was written is known. */
  collectWrites(): void {
    for (const [wire, end] of this.#ends) wire.writes = takeWrites({ ...end, closedAt: wire.closedAt });
  }

  broke(attempt: Attempt, how: string): void {
    attempt.broken ??= how;
    attempt.wire.open.delete(attempt);
  }
}
