// Makes a scenario of a seed. Each scenario does a few of the things that can be done, so that some of them meet
// often ("swarm testing", https://users.cs.utah.edu/~regehr/papers/swarm12.pdf).
import { Dice } from './dice.ts';
import { overHttp } from './over-http.ts';
import {
  type Act,
  type Api,
  type Body,
  type Break,
  type Call,
  type HeaderForm,
  type HeaderValue,
  PLAIN,
  type Protocol,
  plainCall,
  type Reason,
  type Reply,
  type Scenario,
  type Step,
  type Transport,
} from './scenario.ts';
import { themed } from './themes.ts';

const PROTOCOLS: readonly Protocol[] = ['h1', 'h2c', 'h2'];
const FORMS: readonly HeaderForm[] = ['object', 'object', 'array', 'map', 'entries', 'generator', 'headers'];
const REASONS: readonly Reason[] = ['error', 'undefined', 'null', 'zero', 'empty', 'false', 'timeout'];
const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'];
const BODIES: readonly Body['kind'][] = [
  'string',
  'string',
  'buffer',
  'stream',
  'iterator',
  'iterable',
  'form',
];

/** Things that a scenario may do or not. */
interface Habits {
  readonly breaks: boolean;
  readonly acts: boolean;
  readonly reuse: boolean;
  readonly badOptions: boolean;
  readonly keys: boolean;
  readonly hopHeaders: boolean;
  readonly slow: boolean;
  readonly big: boolean;
  readonly early: boolean;
  readonly hints: boolean;
  readonly upgrades: boolean;
  readonly apis: boolean;
  readonly overload: boolean;
  readonly keepAlive: boolean;
  readonly blocks: boolean;
  readonly rollout: boolean;
  readonly withdraws: boolean;
  readonly goaways: boolean;
  readonly failingBodies: boolean;
  readonly uploads: boolean;
  readonly dead: boolean;
}

/** `focus`: habits, options and themes that it has in any case, or with a `-` before them, that it has not; the rest is left to chance. */
export function generate(
  seed: number,
  only?: Protocol,
  focus: readonly string[] = [],
  transport: Transport = 'undici',
): Scenario {
  if (transport === 'http') return overHttp(generate(seed, 'h1', focus), focus);
  return themed(seed, only, focus) ?? new Generator(seed, only, focus).scenario();
}

class Generator {
  readonly #seed: number;
  readonly #dice: Dice;
  readonly #protocol: Protocol;
  readonly #habits: Habits;
  readonly #focus: readonly string[];
  #ids = 0;

  constructor(seed: number, only: Protocol | undefined, focus: readonly string[]) {
    this.#seed = seed;
    this.#focus = focus;
    this.#dice = new Dice(seed);
    const protocol = this.#dice.pick(PROTOCOLS);
    this.#protocol = only ?? protocol;
    this.#habits = {
      breaks: this.#perhaps('breaks', 0.6),
      acts: this.#perhaps('acts', 0.4),
      reuse: this.#perhaps('reuse', 0.3),
      badOptions: this.#perhaps('badOptions', 0.15),
      keys: this.#perhaps('keys', 0.2),
      hopHeaders: this.#perhaps('hopHeaders', 0.15),
      slow: this.#perhaps('slow', 0.4),
      big: this.#perhaps('big', 0.2),
      early: this.#perhaps('early', 0.3),
      hints: this.#perhaps('hints', 0.2),
      upgrades: this.#perhaps('upgrades', 0.12),
      apis: this.#perhaps('apis', 0.7),
      overload: this.#perhaps('overload', 0.15),
      keepAlive: this.#perhaps('keepAlive', 0.25),
      blocks: this.#perhaps('blocks', 0.1),
      rollout: this.#perhaps('rollout', 0.2),
      withdraws: this.#perhaps('withdraws', 0.08),
      goaways: this.#perhaps('goaways', 0.4),
      failingBodies: this.#perhaps('failingBodies', 0.1),
      // With HTTP/2, Node 24 sends empty frames for ever, and takes all memory, when a stream is closed whose
      // body has not been sent: undici does that after an abort, and after a GOAWAY. There it is one or the other.
      uploads: this.#perhaps('uploads', 0.4) || this.#protocol === 'h1',
      dead: this.#perhaps('dead', 0.12),
    };
  }

  #perhaps(what: string, share: number): boolean {
    return (this.#dice.chance(share) || this.#has(what)) && !this.#has(`-${what}`);
  }

  /** Whether it is focussed on something. */
  #has(what: string): boolean {
    return this.#focus.includes(what);
  }

  get #h2(): boolean {
    return this.#protocol !== 'h1';
  }

  get #uploadsH2(): boolean {
    return this.#h2 && this.#habits.uploads;
  }

  scenario(): Scenario {
    const dice = this.#dice;
    if (this.#perhaps('burst', 0.02)) return this.#burst();
    if (this.#perhaps('hint', 0.02) && !this.#h2) return this.#hint();
    if (this.#perhaps('withdrawn', 0.03) && !this.#h2) return this.#withdrawn();
    const pods = dice.pick([1, 1, 2, 3, 3, 5]);
    const shared: Record<string, unknown> = {};
    // Stock reads the options of those that wait for one of its connections late.
    const { reuse, badOptions } = this.#habits;
    if (this.#perhaps('connections', 0.15) && !reuse && !badOptions) shared.connections = dice.int(1, 6);
    if (dice.chance(0.1)) shared.keepAliveTimeout = dice.pick([5, 30, 100]);
    if (dice.chance(0.05)) shared.pipelining = 0;
    if (this.#h2 && dice.chance(0.1)) shared.pingInterval = dice.pick([20, 100, 500]);
    const own: Record<string, unknown> = {};
    if (this.#perhaps('maxRequestsPerConnection', 0.15)) own.maxRequestsPerConnection = dice.int(1, 10);
    if (this.#perhaps('maxConnectionDuration', 0.15)) own.maxConnectionDuration = dice.pick([20, 50, 200]);
    if (this.#perhaps('maxRequestsPerEndpoint', 0.1))
      own.maxRequestsPerEndpoint = dice.int(1, this.#has('tight') ? 1 : 6);
    if (dice.chance(0.3)) own.policy = dice.pick(['round-robin', 'peak-ewma', 'least-request']);
    if (dice.chance(0.1)) own.retry = false;
    const { blocks } = this.#habits;
    // Shorter than this process is held up at times, in which a pod can't be heard.
    // Over TLS, that is shorter than handshakes take where a dozen scenarios share a process, and stock has ten seconds.
    if (blocks && this.#perhaps('connectTimeout', 0.5) && this.#protocol !== 'h2') own.connectTimeout = 30;
    if (this.#perhaps('no outlierDetection', 0.4)) own.outlierDetection = false;
    const workers = Array.from({ length: dice.int(1, 8) }, () => this.#steps(pods));
    const end = dice.pick(['close', 'close', 'destroy'] as const);
    return {
      seed: this.#seed,
      protocol: this.#protocol,
      ...(this.#perhaps('traced', 0.2) && { traced: true }),
      ...(this.#has('impatient') && { patience: 3_000 }),
      pods,
      shared,
      own,
      server: this.#server(pods),
      workers,
      end,
      endsEarly: dice.chance(0.25) && !(this.#uploadsH2 && end === 'destroy'),
    };
  }

  /** More requests at once than there are connections, which are answered soon. */
  #burst(): Scenario {
    const dice = this.#dice;
    const limited = this.#perhaps('limited', 0.5);
    // Long ones need a connection each, and soon.
    const delay = dice.pick(this.#has('-long') ? [5] : [5, 5, 400]);
    const counts = this.#has('many') ? [1_200] : this.#has('-many') ? [200, 300] : [200, 300, 1_200];
    const count = delay > 5 && !limited ? 80 : dice.pick(counts);
    const steps: Step[] = Array.from({ length: count }, () => ({
      call: this.#plain({ delay: limited ? 0 : delay }),
      await: false,
    }));
    const endsEarly = this.#has('endsEarly');
    if (!endsEarly) steps.push({ join: true });
    return { ...this.#themed('burst', 5, [steps], limited ? { connections: 10 } : {}), endsEarly };
  }

  /** One pod of several says how long it keeps connections. */
  #hint(): Scenario {
    const steps: Step[] = Array.from({ length: 150 }, () => ({ call: this.#plain({}), await: true }));
    const scenario = this.#themed('hint', 5, [steps], {});
    return { ...scenario, server: { ...scenario.server, firstPodSays: ['keep-alive', 'timeout=1'] } };
  }

  /** A name is withdrawn for a while, in which callers give up, and so take connections away. */
  #withdrawn(): Scenario {
    const steps: Step[] = Array.from({ length: 6 }, () => ({ call: this.#plain({}), await: true }));
    steps.push({ pods: [] });
    for (let round = 0; round < 8; round++) {
      const given = this.#plain({ size: 5_000, pieces: 6 });
      const up: Call = { ...given, api: 'new', act: { at: 'headers', do: 'abort', reason: 'error' } };
      steps.push(
        { call: up, await: true },
        { call: this.#plain({}), await: true },
        { wait: this.#dice.int(0, 40) },
      );
    }
    steps.push({ pods: [0, 1, 2] }, { call: this.#plain({}), await: true });
    const scenario = this.#themed('withdrawn', 3, [steps], {});
    return { ...scenario, own: { endpointTimeout: 400 } };
  }

  #plain(reply: Partial<Reply>): Call {
    return plainCall(++this.#ids, reply);
  }

  #themed(
    theme: 'burst' | 'hint' | 'withdrawn',
    pods: number,
    workers: readonly (readonly Step[])[],
    shared: Readonly<Record<string, unknown>>,
  ): Scenario {
    return {
      seed: this.#seed,
      protocol: this.#protocol,
      theme,
      pods,
      shared,
      own: {},
      server: { slowAccept: 0, idleTimeout: 0 },
      workers,
      end: 'close',
      endsEarly: false,
    };
  }

  #server(pods: number): Scenario['server'] {
    const dice = this.#dice;
    const limits = this.#h2 && !this.#habits.uploads;
    const h2: Partial<Scenario['server']> = limits
      ? {
          ...(this.#perhaps('streams', 0.3) && { maxConcurrentStreams: dice.pick([1, 2, 5, 20]) }),
          ...(dice.chance(0.25) && { lowered: [dice.int(1, 6), dice.int(1, 3)] as const }),
        }
      : {
          // Ten bytes at a time, 3,000 take longer than a play in a busy process: 300 times there and back, where a turn of
          // a dozen scenarios takes 100 ms (seeds 930000022, 930000047, 930000013: with stock as well).
          ...(this.#h2 &&
            dice.chance(0.3) && { initialWindowSize: dice.pick(this.#habits.big ? [1_000] : [100, 1_000]) }),
        };
    return {
      slowAccept: dice.chance(0.15) ? dice.pick([5, 30, 100]) : 0,
      idleTimeout: !this.#uploadsH2 && this.#perhaps('idle', 0.2) ? dice.pick([1, 5, 20, 60]) : 0,
      ...(this.#habits.dead && {
        dead: Array.from({ length: pods - 1 }, (_, n) => n + 1).filter(() => dice.chance(0.5)),
      }),
      ...h2,
      ...(!this.#h2 &&
        this.#habits.keepAlive &&
        dice.chance(0.3) && {
          firstPodSays: ['keep-alive', `timeout=${dice.pick([1, 2, 5])}`] as const,
        }),
    };
  }

  #steps(pods: number): Step[] {
    const dice = this.#dice;
    const steps: Step[] = [];
    const rounds = dice.int(1, 8);
    for (let round = 0; round < rounds; round++) {
      const burst = dice.chance(0.35);
      const count = burst ? dice.int(2, 16) : dice.int(1, 4);
      for (let n = 0; n < count; n++) {
        steps.push({ call: this.#call(), await: !burst });
        // Right after requests for which dials begin.
        if (this.#habits.blocks && burst && dice.chance(0.2)) steps.push({ block: 80 });
      }
      if (burst && dice.chance(0.7)) steps.push({ join: true });
      if (dice.chance(0.2)) steps.push({ wait: dice.pick([0, 1, 5, 20]) });
      if (this.#habits.blocks && dice.chance(0.3)) steps.push({ block: dice.pick([5, 20, 40, 80]) });
      if (this.#habits.rollout && dice.chance(0.3)) steps.push({ pods: this.#some(pods) });
      if (this.#habits.withdraws && dice.chance(0.3)) {
        steps.push({ pods: [] }, { wait: dice.int(5, 60) }, { pods: this.#some(pods) });
      }
    }
    return steps;
  }

  #some(pods: number): number[] {
    const all = Array.from({ length: pods }, (_, n) => n);
    // The first one is alive.
    const some = all.filter((pod) => this.#dice.chance(0.6) || (this.#habits.dead && pod === 0));
    return some.length > 0 ? some : all;
  }

  #call(): Call {
    const dice = this.#dice;
    const { apis, upgrades, reuse, badOptions, failingBodies } = this.#habits;
    const id = ++this.#ids;
    if (!this.#h2 && upgrades && dice.chance(0.1)) return this.#upgrade(id);
    let api: Api = dice.pick(['new', 'new', 'request']);
    if (apis) api = dice.pick(['new', 'old', 'request', 'request', 'stream', 'pipeline', 'fetch']);
    // Callers of the old generation never get HTTP/2 here: https://github.com/nodejs/undici/issues/4989
    if (api === 'old' && this.#h2) api = 'new';
    let method = dice.pick(METHODS);
    if (api === 'pipeline') method = dice.pick(['POST', 'PUT']);
    const mayHave = method === 'POST' || method === 'PUT' || method === 'PATCH';
    const body: Body = mayHave ? this.#body(api) : { kind: 'none', size: 0 };
    const failing = failingBodies && !this.#h2 && body.kind === 'stream' && dice.chance(0.3);
    const act = this.#act(api);
    const more = badOptions && dice.chance(0.15) ? this.#badOptions(api) : this.#idempotence(api);
    return {
      id,
      api,
      method,
      ...(dice.chance(0.2) && api !== 'fetch' && { query: { a: String(id), b: 'x y' } }),
      headers: this.#headers(id),
      body: failing ? { ...body, kind: 'failing stream' } : body,
      reuse: reuse && api !== 'fetch' && dice.chance(0.7),
      ...(more && { more }),
      ...(act && { act }),
      replies: this.#replies(method),
    };
  }

  #idempotence(api: Api): { idempotent: boolean } | undefined {
    const dice = this.#dice;
    return this.#habits.keys && api !== 'fetch' && dice.chance(0.15)
      ? { idempotent: dice.chance(0.5) }
      : undefined;
  }

  #upgrade(id: number): Call {
    const api = this.#dice.pick(['upgrade', 'connect'] as const);
    return {
      id,
      api,
      method: api === 'connect' ? 'CONNECT' : 'GET',
      headers: { form: 'object', pairs: [] },
      body: { kind: 'none', size: 0 },
      reuse: false,
      replies: [{ ...PLAIN, status: api === 'connect' ? 200 : 101 }],
    };
  }

  #body(api: Api): Body {
    const dice = this.#dice;
    if (!this.#habits.uploads)
      return { kind: api === 'pipeline' ? 'stream' : dice.pick(['none', 'string']), size: 0 };
    const size = dice.pick([0, 1, 5, 100, 3_000, this.#habits.big ? 120_000 : 10]);
    if (api === 'pipeline') return { kind: 'stream', size };
    const kind = dice.pick(BODIES);
    return { kind: api === 'fetch' && kind === 'iterable' ? 'string' : kind, size };
  }

  #headers(id: number): Call['headers'] {
    const dice = this.#dice;
    const pairs: [string, HeaderValue][] = [['x-id', String(id)]];
    if (dice.chance(0.3)) pairs.push(['X-Mixed', `a${id}`]);
    if (this.#habits.keys && dice.chance(0.5)) {
      const value = dice.pick<HeaderValue>([
        `k${id}`,
        '',
        { special: 'undefined' },
        { special: 'null' },
        { special: 'none' },
      ]);
      pairs.push(['idempotency-key', value]);
    }
    if (this.#habits.hopHeaders && dice.chance(0.2)) {
      pairs.push(
        dice.pick([
          ['te', 'gzip'] as const,
          ['te', 'trailers'] as const,
          ['connection', 'close'] as const,
        ]) as [string, string],
      );
    }
    return { form: dice.pick(FORMS), pairs };
  }

  #act(api: Api): Act | undefined {
    const dice = this.#dice;
    if (!this.#habits.acts || this.#uploadsH2 || !dice.chance(0.3)) return undefined;
    const handled = api === 'new' || api === 'old';
    const kind = handled ? dice.pick(['abort', 'abort', 'throw', 'pause'] as const) : 'abort';
    const timed = dice.pick([0, 1, 3, 10]);
    if (kind === 'abort') {
      const at = dice.pick<Act['at']>(
        handled ? ['dispatch', 'start', 'headers', 'data', timed] : ['dispatch', 'headers', timed],
      );
      return { at, do: kind, reason: dice.pick(REASONS) };
    }
    const moments =
      kind === 'throw' ? ['start', 'headers', 'data', 'end', 'sent'] : ['start', 'headers', 'data'];
    return { at: dice.pick(moments) as Act['at'], do: kind };
  }

  /** Options that undici refuses, or lets through. */
  #badOptions(api: Api): Record<string, unknown> {
    const bad: Record<string, unknown>[] = [
      { path: 'no-slash' },
      { path: '/sp ace' },
      { path: 7 },
      { method: 'BAD METHOD' },
      { method: 7 },
      { headers: ['odd'] },
      { headers: { 'bad name': 'x' } },
      { headers: { a: 'x\ny' } },
      { headers: { connection: 'nonsense token' } },
      { headers: { upgrade: 'x' } },
      { headers: { 'transfer-encoding': 'chunked' } },
      { headers: { 'content-length': 'x' } },
      { headers: { expect: '100-continue' } },
      { headers: 7 },
      { body: 7 },
      { body: {} },
      { headersTimeout: -1 },
      { bodyTimeout: 'x' },
      { upgrade: 7 },
      { upgrade: '' },
      { expectContinue: 'x' },
      { reset: 'x' },
      { throwOnError: true },
      { maxRedirections: 1 },
      { query: 'a=1' },
      { idempotent: 'x' },
      { blocking: true },
      { reset: true },
    ];
    return api === 'fetch' ? {} : this.#dice.pick(bad);
  }

  #replies(method: string): Reply[] {
    const dice = this.#dice;
    const { breaks, early, hints, slow, big, overload, keepAlive } = this.#habits;
    const size = dice.pick([0, 2, 2, 100, 5_000, big ? 150_000 : 20]);
    const framing = dice.pick(['length', 'length', 'chunked', 'chunked', 'close'] as const);
    const headers: [string, string][] = [['x-r', 'v']];
    if (keepAlive && !this.#h2 && dice.chance(0.2)) {
      headers.push(
        dice.pick([
          ['keep-alive', 'timeout=1'],
          ['keep-alive', 'timeout=0'],
          ['keep-alive', 'timeout=5, max=10'],
          ['keep-alive', 'timeout=x'],
          ['connection', 'close'],
        ] as [string, string][]),
      );
    }
    let status = dice.pick([200, 200, 200, 200, 201, 204, 304, 404, 500]);
    if (overload && dice.chance(0.1)) {
      status = dice.pick([429, 502, 503, 503]);
      headers.push(['retry-after', dice.pick(['0', '1', 'x', '-1', 'Thu, 01 Jan 1970 00:00:00 GMT'])]);
    }
    const bodiless = method === 'HEAD' || status === 204 || status === 304;
    const good: Reply = {
      at: early && dice.chance(0.2) ? 'head' : 'body',
      delay: slow && dice.chance(0.3) ? dice.pick([1, 5, 20, 60]) : 0,
      hints: hints && dice.chance(0.3) ? dice.pick([[103], [102], [103, 103]]) : [],
      status,
      headers,
      framing: bodiless ? 'length' : framing,
      size: bodiless ? 0 : size,
      pieces: dice.chance(0.2) ? dice.int(2, 6) : 1,
      trailers: !bodiless && framing === 'chunked' && dice.chance(0.3),
    };
    if (!breaks || !dice.chance(0.12)) return [good];
    const broken = { ...good, break: this.#break() };
    if (dice.chance(0.3)) return [broken];
    return dice.chance(0.5) ? [broken, good] : [broken, broken, good];
  }

  #break(): Break {
    const dice = this.#dice;
    const after = dice.pick(['nothing', 'nothing', 'head', 'half', 'full', 'full'] as const);
    const later = dice.chance(0.4) ? dice.pick([0, 1, 5, 20]) : undefined;
    const common: Break['how'][] = ['fin', 'reset'];
    const codes: Break['how'][] = ['code 7', 'code 7', 'code 0', 'code 2', 'code 8', 'code 11'];
    const goaways: Break['how'][] = ['goaway', 'goaway-executed', 'goaway-executed'];
    const limits = this.#h2 && !this.#habits.uploads;
    let how: Break['how'] = dice.pick<Break['how']>(
      this.#h2 ? [...common, ...codes] : [...common, 'garbage', 'twice'],
    );
    if (limits && this.#habits.goaways && dice.chance(0.6)) how = dice.pick(goaways);
    if (this.#has('refusals')) return { after: 'nothing', how: 'code 7' };
    return { after, how, ...(later !== undefined && { later }) };
  }
}
