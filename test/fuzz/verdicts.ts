// What is wrong with a play of ours, beside one of stock's.
import { type Outcome, WORDS, wordsOf } from './caller.ts';
import { CLOSED_EARLY } from './http-caller.ts';
import type { Attempt, Wire } from './ledger.ts';
import type { Play } from './play.ts';
import type { Race } from './races.ts';
import { type Call, callsOf, isRepeatable, replyTo, type Scenario } from './scenario.ts';
import { judgeTheme } from './theme-verdicts.ts';
import { Trace } from './writes.ts';

export type Kind =
  | 'unserved'
  | 'changed'
  | 'fails otherwise'
  | 'twice'
  | 'unsettled'
  | 'settled twice'
  | 'order'
  | 'sent changed'
  | 'caller'
  | 'checked late'
  | 'close'
  | 'left'
  | 'counts'
  | 'caps'
  | 'blamed'
  | 'origins'
  | 'drain'
  | 'uncaught'
  | 'not retried'
  | 'left behind'
  | 'traced'
  | 'storm'
  | 'slow'
  | 'share'
  | 'crossed'
  | 'kept';

export interface Finding {
  readonly kind: Kind;
  /** The call's id; 0: of the agent. */
  readonly call: number;
  readonly text: string;
  /** It can't be an effect of time, so that once is enough. */
  readonly certain: boolean;
}

/** Milliseconds within which what a server does to a session of HTTP/2 may meet a request that is being written. */
const NEAR = 60;
/** Milliseconds, at least, until a session is given up that reads nothing. */
const UNREAD = 900;
/** Bytes of a body that come in one piece. */
const AT_ONCE = 5_000;
/** Milliseconds that a request may be on its way to a connection. */
const AGE_SLACK = 250;
/** Milliseconds by which turns may be late where times can be compared, and by which a request is held up then. */
const QUIET = 60;
const LATE = 200;
/** Milliseconds after which a pod may no longer be thought to be there, while its name is withdrawn. */
const PROOF = 500;

/** How often ours sends again what met the end of an idle connection. */
const CROSSED = 2;
/** What a call says that its agent has ended, in words of undici's or Node's. */
const ENDED_WITH_AGENT = /UND_ERR_DESTROYED|socket hang up|ERR_AGENT_DESTROYED/;

export function judge(scenario: Scenario, stock: Play, ours: Play): Finding[] {
  return new Judge(scenario, stock, ours).findings();
}

/** Requests that one client alone lost to a connection that its server ended, or over TLS the body of. */
export function racesOf(scenario: Scenario, stock: Play, ours: Play): Race[] {
  return new Judge(scenario, stock, ours).races();
}

class Judge {
  readonly #scenario: Scenario;
  readonly #stock: Play;
  readonly #ours: Play;
  readonly #findings: Finding[] = [];

  constructor(scenario: Scenario, stock: Play, ours: Play) {
    this.#scenario = scenario;
    this.#stock = stock;
    this.#ours = ours;
  }

  findings(): Finding[] {
    for (const call of callsOf(this.#scenario)) {
      const theirs = this.#stock.outcomes.get(call.id);
      const own = this.#ours.outcomes.get(call.id);
      if (own === undefined || theirs === undefined) continue;
      this.#judgeOutcome(call, theirs, own);
      this.#judgeAttempts(call, own);
      this.#judgeRetry(call, own);
      this.#judgeTrace(call, theirs, own);
      this.#judgeTime(call, theirs, own);
    }
    this.#judgeAgent();
    this.#findings.push(...judgeTheme(this.#scenario, this.#stock, this.#ours));
    return this.#findings;
  }

  /** What each such loss is excused by is a race. That ours runs into it more often than stock would have no excuse. */
  races(): Race[] {
    return callsOf(this.#scenario).flatMap((call) => {
      const lostBy = this.#loserOf(call);
      return lostBy === undefined ? [] : [{ call, lostBy }];
    });
  }

  #loserOf(call: Call): Race['lostBy'] | undefined {
    const theirs = this.#stock.outcomes.get(call.id);
    const own = this.#ours.outcomes.get(call.id);
    if (own === undefined || theirs === undefined || call.act !== undefined) return undefined;
    if (this.#scenario.protocol !== 'h1') {
      const [before, now] = [this.#isLeftOut(this.#stock, call), this.#isLeftOut(this.#ours, call)];
      if (before === now) return undefined;
      return before ? 'stock' : 'ours';
    }
    if (own.served === theirs.served) return undefined;
    // What may be sent again is served more often by ours, and what is broken by itself by nobody.
    if (this.#mayBeRepeated(call)) return undefined;
    if (call.body.kind === 'failing stream' || call.replies.some((reply) => reply.break)) return undefined;
    if (theirs.served) return this.#wasHarmed(this.#ours, call) ? 'ours' : undefined;
    return this.#wasHarmed(this.#stock, call) ? 'stock' : undefined;
  }

  #say(kind: Kind, call: number, text: string, certain = false): void {
    this.#findings.push({ kind, call, text, certain });
  }

  #judgeOutcome(call: Call, theirs: Outcome, own: Outcome): void {
    if (own.settled === 0 && theirs.settled > 0) {
      this.#say('unsettled', call.id, `stock: ${tell(theirs)}; ours never ended`);
      return;
    }
    if (own.settled > 1 && theirs.settled <= 1)
      this.#say('settled twice', call.id, own.moments.join(' '), true);
    if (!isInOrder(own.moments) && own.settled > 0) this.#say('order', call.id, own.moments.join(' '), true);
    if (this.#isFoundOutByNode(theirs) && (theirs.error === own.error || isOfCaller(call, own))) {
      // At once only where a connection is there to open a stream on, with stock as well.
    } else if (theirs.atOnce && !own.atOnce && call.act === undefined && !this.#scenario.endsEarly) {
      this.#say(
        'checked late',
        call.id,
        `stock at once: ${theirs.atOnce} ${tell(theirs)}; ours: ${own.atOnce} ${tell(own)}`,
      );
    } else if (theirs.atOnce && theirs.error !== own.error && !this.#scenario.endsEarly) {
      this.#say('checked late', call.id, `stock: ${tell(theirs)}; ours: ${tell(own)}`);
    }
    if (own.settled === 0 || theirs.settled === 0) return;
    // What stock then tells its caller is no answer: ours ends it in an error, or serves what was on its way.
    if (isTakenForSuccess(call, theirs) && (own.served || isOfCaller(call, own))) return;
    // Who is still under way when it ends is a matter of time.
    const cut = this.#scenario.endsEarly && this.#scenario.end === 'destroy';
    if (cut && [own, theirs].some(({ error }) => ENDED_WITH_AGENT.test(error))) return;
    if (theirs.served && theirs.status === 0) {
      // undici's API takes some reasons of an abort for none, and resolves with nothing.
    } else if (theirs.served && !own.served) {
      if (!this.#isExcused(call, own))
        this.#say('unserved', call.id, `stock: ${tell(theirs)}; ours: ${tell(own)}`);
    } else if (theirs.served && this.#givenTo(call, own) !== this.#givenTo(call, theirs)) {
      if (
        this.#met(call) === 'alike' &&
        !this.#isReadLateByStock(call) &&
        !this.#isOutOfStep(call) &&
        !this.#isCutShort(call) &&
        !(this.#isLeftOut(this.#ours, call) || this.#isLeftOut(this.#stock, call))
      )
        this.#say('changed', call.id, `stock: ${theirs.said}; ours: ${own.said}`);
    } else if (
      this.#fails(call, theirs) &&
      this.#fails(call, own) &&
      causeOf(own) !== causeOf(theirs) &&
      !this.#cameTooLate(call)
    ) {
      this.#say('fails otherwise', call.id, `stock: ${tell(theirs)}; ours: ${tell(own)}`);
    } else if (
      call.replies.some((reply) => reply.break !== undefined) ||
      call.body.kind === 'failing stream' ||
      this.#isHarmed(call)
    ) {
      // Who of caller and server was first is a matter of time.
    } else if (this.#isRefused(call, own)) {
      // So is whose stream is refused.
    } else if (call.more !== undefined && /UND_ERR_(INVALID_ARG|NOT_SUPPORTED)/.test(own.error)) {
      // So is whether stock looks at what can't be sent before its caller gives up: what waits for one of its sessions, or
      // for the first one to tell its protocol (kProtocolProbe in undici's pool.js), it reads late. Seed 400209: 'upgrade
      // must be a string' at once with ours, the caller's abort with stock; seed 910000059: the same of 'expect'.
    } else if (this.#isFoundOutByNode(own)) {
      // So is whether Node refuses what can't be sent before its caller gives up: as a stream is opened, which is when a
      // connection is there. Seed 930000311: 'te' was refused 0 to 33 ms after dispatch, given up by stock's caller at 0 to 21.
    } else if (this.#isForgotten(own)) {
      // So is who is heard of before a name has been withdrawn for long.
    } else if (own.unheard !== theirs.unheard || isWithoutReasonEarly(call)) {
      // So is what has begun: a handler is given a controller then, and it depends on whether a connection is there.
    } else if (own.served && !theirs.served && isOfCaller(call, theirs) && typeof call.act?.at !== 'number') {
      this.#say('caller', call.id, `stock: ${tell(theirs)}; ours: ${tell(own)}`);
    } else if (
      !own.served &&
      !theirs.served &&
      own.error !== theirs.error &&
      (isOfCaller(call, theirs) || this.#isAborted(call)) &&
      typeof call.act?.at !== 'number'
    ) {
      this.#say('caller', call.id, `stock: ${tell(theirs)}; ours: ${tell(own)}`);
    }
    // What waits for a place at its agent has no socket, with stock as well: which does is a matter of time.
    const isSilent = this.#scenario.shared.connections === undefined && isWithoutWord(own);
    if (this.#isAborted(call) && isSilent && !isWithoutWord(theirs) && !theirs.served)
      this.#say('caller', call.id, `stock: ${tell(theirs)}; ours: ${tell(own)}`);
    if (call.act?.do === 'abort' && own.listeners > theirs.listeners) {
      this.#say('left', call.id, `${own.listeners} listeners on a signal, ${theirs.listeners} with stock`);
    }
  }

  /** Whether a request fails by what a server of HTTP/1.1 does to it, rather than to others before it. */
  #fails(call: Call, { served }: Outcome): boolean {
    const { protocol, endsEarly, server } = this.#scenario;
    // Ours has several pods, which listen or don't.
    if (served || protocol !== 'h1' || endsEarly || server.dead || server.deafAfter !== undefined)
      return false;
    return call.act === undefined && call.body.kind !== 'failing stream' && !this.#isOutOfStep(call);
  }

  /**
   * What a caller was given. Over HTTP/2, undici listens for no data once the trailers have come (onTrailers in
   * client-h2.js): what a caller has not taken of a long body by then, or of any while it paused or over TLS, is left out, by
   * stock as well, and how much that is depends on time.
   */
  #givenTo({ replies, act }: Call, { said }: Outcome): string {
    const { protocol } = this.#scenario;
    const isLate = protocol === 'h2' || act?.do === 'pause' || replies.some(({ size }) => size > AT_ONCE);
    const cuts = protocol !== 'h1' && isLate && replies.some(({ trailers }) => trailers);
    return cuts ? said.replace(/ \/ \d+ \w+ \/ .*$/, '') : said;
  }

  /** Whether one client has met the end of an idle connection, and not the answer that the other one failed with. */
  #cameTooLate({ id }: Call): boolean {
    return [this.#ours, this.#stock].some(({ ledger }) =>
      ledger.attempts.get(id)?.some(({ broken }) => broken === 'too late'),
    );
  }

  /** Whether its caller gives up by node:http's own abort(), which says nothing of who did. */
  #isAborted({ api, act }: Call): boolean {
    return this.#scenario.transport === 'http' && api !== 'signalled' && act?.reason === 'undefined';
  }

  /** Whether Node has refused what undici takes, as it was to open a stream: with HTTP/2, no sooner. */
  #isFoundOutByNode({ error }: Outcome): boolean {
    return this.#scenario.protocol !== 'h1' && /UND_ERR_INFO: HTTP\/1 Connection specific/.test(error);
  }

  /**
   * Whether the server has answered in full, and the client tells of no body, or of one that is too short. Over TLS,
   * undici leaves bodies out when many requests are answered at once: in 12 plays of seed 400203 stock did so with 9
   * requests, ours with 12. It is a race which each client loses alone, and a run counts how often: see losses().
   */
  #isLeftOut(play: Play, { id, replies }: Call): boolean {
    if (this.#scenario.protocol !== 'h2' || replies.length > 1 || replies[0]!.break !== undefined)
      return false;
    if (play.ledger.attempts.get(id)?.at(-1)?.answered !== 'full') return false;
    const { error, said } = play.outcomes.get(id)!;
    const [, bytes = 'none'] = / \/ (\d+) [0-9a-f]+ \/ /.exec(said) ?? [];
    return error.includes('UND_ERR_RES_CONTENT_LENGTH_MISMATCH') || Number(bytes) < replies[0]!.size;
  }

  #isReadLateByStock(call: Call): boolean {
    return this.#stock.ledger.attempts.get(call.id)?.some((attempt) => isReadLate(call, attempt)) ?? false;
  }

  /** A response that nobody asked for may be taken for the next one's, by stock as well. */
  #isOutOfStep(call: Call): boolean {
    return [this.#ours, this.#stock].some((play) =>
      wiresOf(play, call).some(({ wire: { harm } }) => harm === 'twice' || harm === 'garbage'),
    );
  }

  /**
   * What ends with its connection is as long as what came before a reset. So is what has no length over HTTP/2, where the
   * connection ends after a GOAWAY: Node then ends a stream as if it were whole. Stock tells its caller of `200` and
   * nothing where a server sends the head, a GOAWAY that accepts the stream, and closes or resets (3 of 4 ways tried;
   * ours the same 3). Which requests share the connection differs: seed 700279.
   */
  #isCutShort({ id, replies }: Call): boolean {
    const isEnded = [this.#ours, this.#stock].some(({ ledger }) =>
      ledger.attempts
        .get(id)
        ?.some(({ broken, wire }) => broken !== undefined && wire.harm.startsWith('goaway')),
    );
    if (isEnded && this.#scenario.protocol !== 'h1') return true;
    return (
      replies.some(({ framing }) => framing === 'close') &&
      [this.#ours, this.#stock].some(({ ledger }) =>
        ledger.attempts.get(id)?.some(({ wire }) => wire.harm === 'reset'),
      )
    );
  }

  #isHarmed(call: Call): boolean {
    return [this.#ours, this.#stock].some((play) => this.#wasHarmed(play, call));
  }

  /**
   * Whether a request was written on a connection that its server ended, before the client could know of that, and
   * before the request was over.
   */
  #wasHarmed(play: Play, call: Call): boolean {
    if (this.#scenario.protocol !== 'h1' && play.ledger.attempts.get(call.id)?.some(isNearHarm)) return true;
    const { startedAt, took } = play.outcomes.get(call.id)!;
    return wiresOf(play, call).some(
      ({ wire: { harmedAt, heardAt = Number.POSITIVE_INFINITY }, at }) =>
        harmedAt !== undefined && harmedAt <= startedAt + took && at < heardAt,
    );
  }

  /** Whether the same number of attempts came to both servers: only then did both callers meet the same. */
  #met(call: Call): 'alike' | 'otherwise' {
    const theirs = this.#stock.ledger.attempts.get(call.id)?.length ?? 0;
    const own = this.#ours.ledger.attempts.get(call.id)?.length ?? 0;
    // What a server refuses after a first word of it is asked for again, and that word comes once more: with seed 400133
    // over HTTP/2, stock's caller was told twice of the one hint, for its request came twice.
    const saysOnce = call.replies.length === 1 && replyTo(call, 0).hints.length === 0;
    return theirs === own || saysOnce ? 'alike' : 'otherwise';
  }

  /**
   * Whether its stream was refused, and its body can be read but once: it can't be sent again, by stock neither. Which
   * session a server takes fewer streams of depends on the client: one that retires early has a successor.
   */
  #isRefused(call: Call, own: Outcome): boolean {
    const attempts = this.#ours.ledger.attempts.get(call.id) ?? [];
    if (this.#scenario.protocol === 'h1' || !attempts.every(({ refused }) => refused)) return false;
    // Node's server counts streams that have been reset for a moment, and refuses what its own limit allows.
    const { maxConcurrentStreams, lowered } = this.#scenario.server;
    const isLimited = maxConcurrentStreams !== undefined || lowered !== undefined;
    if (isLimited && own.error.includes('ENHANCE_YOUR_CALM')) return true;
    // What fetch is given, it makes a generator of.
    const once = isReadOnce(call) || (call.api === 'fetch' && call.body.kind !== 'none');
    return once && own.error.includes('REFUSED_STREAM');
  }

  /** Whether the server has done what no client may survive, to this request and not to stock's. */
  #isExcused(call: Call, own: Outcome): boolean {
    // Stock does not hear of an abort before it has begun; ours does.
    if (call.act !== undefined && (isOfCaller(call, own) || this.#isAborted(call))) return true;
    if (this.#wasHarmed(this.#ours, call) || this.#isForgotten(own) || this.#isLeftOut(this.#ours, call))
      return true;
    // With HTTP/1.1, what a server does to a request is the same for both.
    if (this.#scenario.protocol === 'h1') return false;
    // What Node refuses was gone when stock read it: with seed 910000381, another header had taken the place of 'te'.
    if (this.#isFoundOutByNode(own) && this.#isReadLateByStock(call)) return true;
    const attempts = this.#ours.ledger.attempts.get(call.id) ?? [];
    const counted = attempts.filter(({ refused }) => !refused);
    if (counted.some((attempt) => attempt.broken !== undefined)) return true;
    if (this.#isRefused(call, own) || isRefusedWithHead(call, own)) return true;
    // What was written never came: a connection ended at that moment.
    return counted.length === 0 && !this.#mayBeRepeated(call) && this.#mayHaveBeenHarmed(own);
  }

  /**
   * Whether nobody had been heard of for a while when a name was withdrawn: nobody may be asked then. Stock, which asks
   * for its name at each dial outside of here, could not either.
   */
  #isForgotten({ startedAt }: Outcome): boolean {
    if (this.#scenario.theme !== 'withdrawn') return false;
    let heardAt = Number.NEGATIVE_INFINITY;
    for (const outcome of this.#ours.outcomes.values()) {
      const isHeard = outcome.served && outcome.startedAt + outcome.took < startedAt;
      if (isHeard) heardAt = Math.max(heardAt, outcome.startedAt);
    }
    return startedAt - heardAt > PROOF;
  }

  /** Ours does more than stock here: what was reset before a response is sent again, elsewhere. */
  #judgeRetry(call: Call, own: Outcome): void {
    if (own.served || !this.#mayBeRepeated(call) || call.act !== undefined || this.#scenario.pods < 2) return;
    if (this.#scenario.own.outlierDetection !== false || this.#scenario.endsEarly || this.#moves) return;
    const attempts = this.#ours.ledger.attempts.get(call.id) ?? [];
    const [only] = attempts;
    const written = wiresOf(this.#ours, call);
    // A session of HTTP/2 breaks off with many requests at once: the budget for retries may be too small. With one that is
    // not, seed 240078 shows nothing.
    const wire = only?.wire ?? written[0]?.wire;
    if (this.#scenario.protocol !== 'h1' && wire && this.#sharesHarm(wire, call.id)) return;
    if (attempts.length === 0 && written.length === 1 && /SOCKET|ECONNRESET|EPIPE/.test(own.error))
      this.#say('not retried', call.id, `it never came, nobody else was asked: ${tell(own)}`);
    if (attempts.length !== 1 || only?.answered !== 'no' || call.body.kind === 'form') return;
    // It was sent again, on a connection that its server ended before it came. Seed 910000438: pods 0 and 1 each broke
    // off, and 13 ms after pod 1 had, the second attempt was written to it, in a process whose turns took 8 ms.
    if (written.some(({ wire: other }) => other !== only.wire && other.harmedAt !== undefined)) return;
    // Its caller has got to know of a first response, if only of one that is not the last.
    if (replyTo(call, 0).hints.length > 0) return;
    if (only.broken === 'reset' || only.broken === 'fin') {
      this.#say(
        'not retried',
        call.id,
        `pod ${only.wire.pod} broke off, nobody else was asked: ${tell(own)}`,
      );
    }
  }

  /** Whether other requests have been broken off with one. */
  #sharesHarm(wire: Wire, call: number): boolean {
    for (const attempts of this.#ours.ledger.attempts.values()) {
      if (attempts.some((other) => other.wire === wire && other.call !== call && other.broken !== undefined))
        return true;
    }
    return false;
  }

  /** Whether pods come and go. */
  get #moves(): boolean {
    return this.#scenario.workers.some((steps) => steps.some((step) => 'pods' in step));
  }

  #mayBeRepeated(call: Call): boolean {
    return (
      isRepeatable(call) &&
      this.#scenario.own.retry !== false &&
      !(call.api === 'fetch' && call.body.kind !== 'none') &&
      call.api !== 'upgrade' &&
      call.api !== 'connect'
    );
  }

  #mayHaveBeenHarmed(own: Outcome): boolean {
    const resets = /UND_ERR_SOCKET|ECONNRESET|EPIPE|ERR_HTTP2|UND_ERR_INFO/.test(own.error);
    return resets && this.#ours.ledger.wires.some(({ harmedAt }) => harmedAt !== undefined);
  }

  #judgeAttempts(call: Call, own: Outcome): void {
    const attempts = this.#ours.ledger.attempts.get(call.id) ?? [];
    const theirs = this.#stock.ledger.attempts.get(call.id) ?? [];
    const counted = attempts.filter(({ refused }) => !refused);
    const counts = theirs.filter(({ refused }) => !refused).length;
    const most = (this.#isRepeatable(call) ? 2 : 1) + this.#crossed(call, counted);
    if (counted.length > Math.max(most, counts)) {
      this.#say(
        'twice',
        call.id,
        `arrived ${counted.length} times: ${counted.map(tellAttempt).join('; ')}`,
        true,
      );
    }
    const early = counted
      .slice(0, -1)
      .find((attempt, n) => attempt.answered === 'full' && !this.#mayBeLost(attempt, counted[n + 1]!));
    if (early !== undefined && counts < 2)
      this.#say('twice', call.id, 'it was sent again after its answer', true);
    const [expected] = theirs;
    if (expected !== undefined) for (const attempt of attempts) this.#judgeArrival(call, expected, attempt);
    else if (attempts.length > 0 && this.#stock.outcomes.get(call.id)?.atOnce && call.act?.at !== 'sent') {
      this.#say('checked late', call.id, `stock refuses it; ours sent it: ${own.error}`);
    }
  }

  /** By node:http a stream that has ended before its request has a socket is at hand as well. */
  #isRepeatable(call: Call): boolean {
    const { body } = call;
    const isStreamed = body.kind === 'stream' || body.kind === 'iterable' || body.kind === 'iterator';
    const isAtHand = this.#scenario.transport === 'http' && isStreamed;
    return isRepeatable(isAtHand ? { ...call, body: { ...body, kind: 'buffer' } } : call);
  }

  /**
   * By node:http: attempts that met the end of a connection which others had had before. As far as a client can know, that
   * was on its way already, and ours sends such a request again, as Go's net/http does.
   */
  #crossed(call: Call, attempts: readonly Attempt[]): number {
    if (this.#scenario.transport !== 'http' || !this.#isRepeatable(call)) return 0;
    const met = attempts.filter(
      ({ answered, wire }) =>
        answered === 'no' && wire.writes[0]?.call !== call.id && wire.harmedAt !== undefined,
    );
    return Math.min(met.length, CROSSED);
  }

  /** A reset may overtake an answer. */
  #mayBeLost(attempt: Attempt, next: Attempt): boolean {
    const { answeredAt, wire } = attempt;
    if (this.#scenario.protocol === 'h2' && answeredAt !== undefined && wire.harmedAt !== undefined) {
      // A process that is held up reads late, and over TLS a session of Node's may never: see LostSockets.
      if (wire.harmedAt - answeredAt < NEAR + this.#ours.lag || next.at - answeredAt > UNREAD) return true;
    }
    return isNearHarm(attempt) && (this.#scenario.protocol !== 'h1' || attempt.wire.harm === 'reset');
  }

  /** It arrives as it was given. */
  #judgeArrival(call: Call, expected: Attempt, attempt: Attempt): void {
    if (isReadLate(call, attempt))
      this.#say('sent changed', call.id, `ours: ${attempt.headers.join(', ')}`, true);
    // Stock reads late what waits for one of its connections, or for the end of a handshake: it is no measure then.
    if (isReadLate(call, expected)) return;
    const boundaries = (headers: readonly string[]) =>
      headers
        .join('\n')
        .replace(/formdata-undici-\d+/g, 'boundary')
        .replace(/pods.fuzz:\d+/, 'pods.fuzz');
    const before = `${expected.method} ${expected.path}\n${boundaries(expected.headers)}`;
    const now = `${attempt.method} ${attempt.path}\n${boundaries(attempt.headers)}`;
    if (before !== now) this.#say('sent changed', call.id, `stock: ${before}\nours: ${now}`, true);
    else if (call.body.kind !== 'form' && expected.whole && attempt.whole && expected.body !== attempt.body) {
      this.#say('sent changed', call.id, `body ${expected.body} with stock, ${attempt.body} with ours`);
    }
  }

  #judgeAgent(): void {
    const { ended, leftOpen, leftTimers, counts, countsMore, strangeOrigins, undrained, ledger } = this.#ours;
    if (ended !== 'ended' && this.#stock.ended === 'ended')
      this.#say('close', 0, `${this.#scenario.end}: ${ended}`);
    if (leftOpen > 0 && this.#stock.leftOpen === 0) this.#say('left', 0, `${leftOpen} connections are open`);
    if (leftTimers > 0) this.#say('left', 0, `${leftTimers} timers are scheduled`);
    if (countsMore) this.#say('counts', 0, `at rest: ${counts}`);
    if (strangeOrigins.length > 0) this.#say('origins', 0, `stats has ${strangeOrigins.join(', ')}`);
    if (undrained && !this.#stock.undrained)
      this.#say('drain', 0, 'dispatch said false, and drain never came');
    for (const stranger of ledger.strangers) {
      if (!this.#stock.ledger.strangers.includes(stranger))
        this.#say('sent changed', 0, `nobody sent ${stranger}`, true);
    }
    this.#judgeBlame();
    this.#judgeCaps();
    this.#judgeDepartures();
    this.#judgeKept();
    this.#judgeTheme();
  }

  /** A pod that has done no harm, and answered with no gateway error, is not ejected. */
  #judgeBlame(): void {
    for (const pod of this.#ours.ejected) {
      if (this.#scenario.server.dead?.includes(pod)) continue;
      const wires = this.#ours.ledger.wires.filter((wire) => wire.pod === pod);
      if (wires.some(({ harmedAt }) => harmedAt !== undefined)) continue;
      const attempts = [...this.#ours.ledger.attempts.values()].flat().filter(({ wire }) => wire.pod === pod);
      const calls = new Map(callsOf(this.#scenario).map((call) => [call.id, call]));
      const guilty = attempts.some(
        ({ call, broken }) =>
          broken !== undefined || calls.get(call)!.replies.some(({ status }) => status >= 500),
      );
      if (!guilty) this.#say('blamed', 0, `pod ${pod} is ejected, and did no harm`);
    }
  }

  /** What tracers are told is what they are told of stock, in the context of the caller. */
  #judgeTrace(call: Call, theirs: Outcome, own: Outcome): void {
    const before = this.#stock.traces?.get(call.id);
    const now = this.#ours.traces?.get(call.id) ?? new Trace();
    if (before === undefined || this.#scenario.endsEarly || own.settled === 0 || theirs.settled === 0) return;
    const say = (text: string) => this.#say('traced', call.id, text);
    if (now.astray && !before.astray) say('created in the context of somebody else');
    if (call.act === undefined && before.created > 0 && now.created === 0)
      say('nobody was told that it was created');
    // undici tells twice of the failure of what it streams: AsyncWriter.destroy() and onHttpSocketClose() both do.
    if (!['none', 'string', 'buffer'].includes(call.body.kind)) return;
    // Nor is an abort between the error of a parser and the end of its socket told of once, by undici both times.
    if (call.act !== undefined) return;
    if (now.failed > now.created) say(`failed ${now.failed} times, created ${now.created} times`);
    if (now.repeated && !before.repeated) say('the same failure was told of twice');
    // Each attempt is told of by itself, and of each but the last that it failed. That it was written is not needed:
    // a connection may have ended before.
    const isAlike = own.served === theirs.served && (own.error === '') === (theirs.error === '');
    const [left, more] = [before.created - before.failed, now.created - now.failed];
    if (isAlike && left !== more && now.created > 0)
      say(
        `created ${now.created}, failed ${now.failed} times; with stock ${before.created}, ${before.failed} times`,
      );
  }

  /** Where nothing holds a request up, it is not held up by ours. */
  #judgeTime(call: Call, theirs: Outcome, own: Outcome): void {
    const { own: options, shared, server, workers } = this.#scenario;
    if (Math.max(this.#ours.lag, this.#stock.lag) > QUIET || this.#moves || server.dead?.length) return;
    if (shared.connections !== undefined || options.maxRequestsPerEndpoint !== undefined) return;
    // Such a cap has ours dial where stock has a connection. A server in this process accepts one in each turn of the
    // loop, so that of 130 dials, where stock makes 70, some wait for 200 ms.
    if (options.maxConnectionDuration !== undefined || options.maxRequestsPerConnection !== undefined) return;
    if (
      !own.served ||
      !theirs.served ||
      call.act !== undefined ||
      workers.flat().some((step) => 'block' in step)
    )
      return;
    if (call.replies.some((reply) => reply.break !== undefined) || this.#isHarmed(call)) return;
    const took = this.#tookClient(call, own);
    if (took > 3 * theirs.took && took > theirs.took + LATE)
      this.#say('slow', call.id, `${Math.round(took)} ms, ${Math.round(theirs.took)} ms with stock`);
  }

  /** Milliseconds of a call without those in which it was on its way to a server, or there: one here may be slow. */
  #tookClient(call: Call, own: Outcome): number {
    const written = wiresOf(this.#ours, call).at(-1)?.at ?? own.startedAt;
    const answered = this.#ours.ledger.attempts.get(call.id)?.at(-1)?.answeredAt ?? written;
    return written - own.startedAt + (own.startedAt + own.took - answered);
  }

  /** Nothing is sent on a connection whose last response has said that it ends now, or in a moment. */
  #judgeKept(): void {
    const { protocol, server, shared } = this.#scenario;
    if (protocol !== 'h1' || shared.keepAliveTimeoutThreshold !== undefined) return;
    const last = new Map<Wire, Attempt>();
    const all = [...this.#ours.ledger.attempts.values()].flat();
    for (const attempt of all.toSorted((one, other) => one.at - other.at)) {
      const { wire, call } = attempt;
      const before = last.get(wire);
      last.set(wire, attempt);
      if (before?.answered !== 'full') continue;
      const { headers } = before.reply;
      const says = [...headers, ...(wire.pod === 0 && server.firstPodSays ? [server.firstPodSays] : [])];
      const [hint, ...others] = says.flatMap(([name, value]) => (name === 'keep-alive' ? [value] : []));
      if (others.length === 0 && hint !== undefined && /^timeout=[01]$/.test(hint))
        this.#say('kept', call, `sent on a connection whose server had said ${hint}`, true);
    }
  }

  /** Nothing is sent to a pod that has left. */
  #judgeDepartures(): void {
    const { sets, ledger } = this.#ours;
    for (const { pod, writes } of ledger.wires) {
      for (const { call, at } of writes) {
        const set = sets.findLast(({ saidAt }) => saidAt <= at);
        if (set === undefined || set.knownAt > at || set.pods.includes(pod)) continue;
        this.#say(
          'left behind',
          call,
          `it was sent to pod ${pod}, which had left ${Math.round(at - set.saidAt)} ms before`,
        );
      }
    }
  }

  #judgeTheme(): void {
    const { theme, shared, pods } = this.#scenario;
    const { wires } = this.#ours.ledger;
    if (theme === 'burst' && shared.connections === undefined) {
      const theirs = this.#stock.ledger.wires.length;
      const isShort = callsOf(this.#scenario).every(({ replies }) => replies[0]!.delay < 10);
      if (isShort && wires.length > theirs / 2 + 50)
        this.#say('storm', 0, `${wires.length} connections, ${theirs} with stock`);
    }
    if (theme === 'burst') {
      const slowest = (play: Play) => Math.max(...[...play.outcomes.values()].map(({ took }) => took));
      const [now, before] = [slowest(this.#ours), slowest(this.#stock)];
      if (now > 2 * before + LATE)
        this.#say('slow', 0, `a burst takes ${Math.round(now)} ms, ${Math.round(before)} ms with stock`);
    }
    if (theme === 'hint') {
      const shares = Array.from({ length: pods }, (_, n) =>
        wires.filter(({ pod }) => pod === n).reduce((sum, { requests }) => sum + requests, 0),
      );
      const fair = callsOf(this.#scenario).length / pods;
      if (shares.some((share) => share < fair * 0.5 || share > fair * 1.6))
        this.#say('share', 0, `requests of each pod: ${shares.join(', ')}`);
    }
  }

  #judgeCaps(): void {
    const { own, shared, protocol } = this.#scenario;
    const { maxRequestsPerConnection, maxRequestsPerEndpoint, maxConnectionDuration } = own;
    const calls = callsOf(this.#scenario);
    // Of what its caller has given up, or it has broken itself, a pod may know late.
    const isKnown = calls.every(
      ({ act, body, replies }) =>
        act === undefined &&
        body.kind !== 'failing stream' &&
        replies.every((reply) => reply.break === undefined),
    );
    // What a retired connection still carries is beside what its successor does.
    const retires = maxConnectionDuration !== undefined || maxRequestsPerConnection !== undefined;
    const limit = Math.min(
      ...[maxRequestsPerEndpoint, protocol === 'h1' && !retires ? shared.connections : undefined].filter(
        (cap) => typeof cap === 'number',
      ),
    );
    const most = Math.max(0, ...this.#ours.ledger.most.filter((count) => count !== undefined));
    if (isKnown && most > limit)
      this.#say('caps', 0, `${most} requests at a pod at once, ${limit} are allowed`);
    if (typeof maxConnectionDuration === 'number') {
      for (const { openedAt, writes } of this.#ours.ledger.wires) {
        const age = Math.max(0, ...writes.map(({ at }) => at - openedAt));
        // A process that was held up could retire nothing. It counts from when it knows of a connection, and writes what
        // it has given to one a turn later or two.
        if (age > maxConnectionDuration + AGE_SLACK + 3 * this.#ours.lag)
          this.#say(
            'caps',
            0,
            `a request on a connection of ${Math.round(age)} ms, ${maxConnectionDuration} are allowed`,
          );
      }
    }
    if (typeof maxRequestsPerConnection !== 'number') return;
    for (const { requests } of this.#ours.ledger.wires) {
      if (requests > maxRequestsPerConnection) {
        this.#say(
          'caps',
          0,
          `${requests} requests on a connection, ${maxRequestsPerConnection} are allowed`,
          true,
        );
      }
    }
  }
}

/** Whether it was sent with what its caller has made of the objects after it was dispatched. */
function isReadLate(call: Call, { method, path, headers }: Attempt): boolean {
  if (!call.reuse) return false;
  // Whatever else it was given: seed 960000383.
  if (headers.some((pair) => CHANGED.test(pair))) return true;
  const { more } = call;
  if (more?.path !== undefined || more?.query !== undefined || more?.method !== undefined) return false;
  return (
    method !== call.method ||
    path !== pathOf(call) ||
    (call.more?.headers === undefined && !headers.some((pair) => pair.toLowerCase() === `x-id: ${call.id}`))
  );
}

/** What a caller makes of headers: see Caller. */
const CHANGED = /^(.*: changed|x-added: later)$/i;

/** Reasons that undici's own API takes for none. */
const NO_REASONS: ReadonlySet<string | undefined> = new Set(['null', 'zero', 'empty', 'false']);

/**
 * Whether a caller gives up, for a reason that undici's API takes for none, before its request may have begun: nobody
 * hears of that then, but from undici 8.13 on, of what waits, stock.
 */
function isWithoutReasonEarly(call: Call): boolean {
  return isWithoutReason(call) && call.act?.at === 'dispatch';
}

/** Whether a caller gives up for a reason that undici's API takes for none. */
function isWithoutReason({ act }: Call): boolean {
  return act?.do === 'abort' && NO_REASONS.has(act.reason);
}

/**
 * Whether stock has told its caller of a success without a response: from undici 8.13 on, what is aborted with a falsy
 * reason while it waits ends its promise as if there were no error (lib/api/api-request.js, `err ? reject(err)`).
 */
function isTakenForSuccess(call: Call, { status, served }: Outcome): boolean {
  return isWithoutReason(call) && (status === undefined || (served && status === 0));
}

function isReadOnce({ body }: Call): boolean {
  return (
    body.kind === 'stream' ||
    body.kind === 'iterator' ||
    body.kind === 'iterable' ||
    body.kind === 'failing stream'
  );
}

function pathOf({ id, query }: Call): string {
  const text = Object.entries(query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `/c${id}${text.length > 0 ? `?${text.join('&')}` : ''}`;
}

/** The connections that a request was written on, and when. */
function wiresOf({ ledger }: Play, { id }: Call): { wire: Wire; at: number }[] {
  return ledger.wires.flatMap((wire) =>
    wire.writes.filter(({ call }) => call === id).map(({ at }) => ({ wire, at })),
  );
}

function isNearHarm(attempt: Attempt): boolean {
  const { harmedAt } = attempt.wire;
  if (harmedAt === undefined) return false;
  return attempt.answeredAt === undefined || harmedAt - attempt.answeredAt < NEAR;
}

/** Whether an outcome is the caller's own doing. */
function isOfCaller(call: Call, outcome: Outcome): boolean {
  if (call.act === undefined) return false;
  // What another caller has thrown ends all of a session of stock's (seeds 700045, 800077, 800139; 910000158, where one
  // that would throw at data failed with stock by another's words, though its response has none).
  if (outcome.error.includes(WORDS)) return outcome.error.includes(wordsOf(call.id));
  return (
    call.act.do === 'abort' &&
    !/Socket|ECONN|EPIPE|HTTP2|UND_ERR|Parser|EVENKEEL/.test(outcome.error.replace('UND_ERR_ABORTED', ''))
  );
}

/** start, hints, headers, data, and one end or error; an error may follow an end that the caller threw in. */
/** Whether a request of node:http has closed without having said why: its caller would wait for ever for an error. */
function isWithoutWord({ error }: Outcome): boolean {
  return error.includes(CLOSED_EARLY);
}

function isInOrder(moments: readonly string[]): boolean {
  return /^(start )?(hint )*(headers )?(data )?((end )?error|end) $/.test(
    moments.map((moment) => `${moment} `).join(''),
  );
}

/** What a request failed of. A connection that is ended and written to meanwhile is closed, or reset, by turns. */
function causeOf({ error }: Outcome): string {
  return /UND_ERR_SOCKET|ECONNRESET|EPIPE/.test(error) ? 'the end of its connection' : error;
}

function tell({ served, status, error, took }: Outcome): string {
  return served ? `served, ${status}` : `${error} (after ${Math.round(took)} ms, status ${status})`;
}

function tellAttempt({ wire, answered, broken, refused }: Attempt): string {
  return `pod ${wire.pod}, answered ${answered}${broken ? `, ${broken}` : ''}${refused ? ', refused' : ''}`;
}

/**
 * Whether a stream was refused in the turn in which its head was written. As a rule Node's server then sends no head, as if
 * nothing had begun; sometimes it does, and undici takes that for a response: seed 1010000176.
 */
function isRefusedWithHead({ replies }: Call, { error }: Outcome): boolean {
  const harms = replies.map((reply) => reply.break);
  const isSo = harms.some(
    (harm) => harm?.how === 'code 7' && harm.after !== 'nothing' && harm.later === undefined,
  );
  return isSo && error.includes('REFUSED_STREAM');
}
