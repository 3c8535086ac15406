// Makes of a scenario over HTTP/1.1 the same by node:http, as far as that has what undici has.
import { Dice } from './dice.ts';
import type { Act, Api, Call, Scenario } from './scenario.ts';

/** Options that node:http refuses, or lets through. */
const ODD: readonly Record<string, unknown>[] = [
  { path: '/sp ace' },
  { path: 7 },
  { method: 'BAD METHOD' },
  { method: 7 },
  { protocol: 'ftp:' },
  { headers: ['odd'] },
  { headers: { 'bad name': 'x' } },
  { headers: { a: 'x\ny' } },
  { headers: { connection: 'close' } },
  { headers: { connection: 'keep-alive' } },
  { headers: { 'transfer-encoding': 'chunked' } },
  { headers: { expect: '100-continue' } },
  { headers: 7 },
  { timeout: 'x' },
  { timeout: 20 },
  { maxHeaderSize: 'x' },
  { insecureHTTPParser: 'x' },
  { setHost: false },
  { highWaterMark: 1 },
  { joinDuplicateHeaders: true },
  { agent: 7 },
  { agent: false },
];

/** Moments that a caller of node:http knows. */
const MOMENTS: readonly Act['at'][] = ['dispatch', 'start', 'headers', 'data'];

/** `focus`: `secure` is by node:https in any case, `-secure` never. */
export function overHttp(scenario: Scenario, focus: readonly string[]): Scenario {
  const dice = new Dice(scenario.seed ^ 0x477);
  const { traced: _, shared, own, workers, ...rest } = scenario;
  const { connections } = shared;
  return {
    ...rest,
    transport: 'http',
    ...(isSecure(scenario, focus) ? { secure: true, own: ofTls(own) } : { own }),
    shared: connections === undefined ? {} : { connections },
    workers: workers.map((steps) =>
      steps.map((step) => ('call' in step ? { ...step, call: callOf(step.call, dice) } : step)),
    ),
  };
}

/** Times of a theme are of those who need no handshake. */
function isSecure({ seed, theme }: Scenario, focus: readonly string[]): boolean {
  const isChosen = new Dice(seed ^ 0x715).chance(0.25) || focus.includes('secure');
  return isChosen && theme === undefined && !focus.includes('-secure');
}

/** Handshakes take longer than some connections may take, where a dozen scenarios share a process, and stock has no limit. */
function ofTls({ connectTimeout: _, ...own }: Scenario['own']): Scenario['own'] {
  return own;
}

function callOf({ act, more, ...call }: Call, dice: Dice): Call {
  const odd = more !== undefined && !('idempotent' in more) ? dice.pick(ODD) : undefined;
  const given = odd ?? timeOf(call);
  const own = actOf(act);
  const { form, pairs } = call.headers;
  return {
    ...call,
    api: apiOf(call.api, dice),
    headers: { form: form === 'array' ? form : 'object', pairs },
    ...(given && { more: given }),
    ...(own && { act: own }),
  };
}

function apiOf(api: Api, dice: Dice): Api {
  return api === 'upgrade' || api === 'connect' ? api : dice.pick(['request', 'signalled'] as const);
}

/** A time that somebody takes note of, and waits on. */
function timeOf({ id, replies }: Pick<Call, 'id' | 'replies'>): Record<string, unknown> | undefined {
  const dice = new Dice(id * 31 + replies[0]!.size);
  return dice.chance(0.15) ? { timeout: dice.pick([5, 30, 100]) } : undefined;
}

/** What listeners of node:http throw ends the process. */
function actOf(act: Act | undefined): Act | undefined {
  const isKnown = act !== undefined && (typeof act.at === 'number' || MOMENTS.includes(act.at));
  return isKnown && act.do !== 'throw' ? act : undefined;
}
