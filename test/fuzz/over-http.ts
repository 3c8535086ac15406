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

export function overHttp(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x477);
  const { traced: _, shared, workers, ...rest } = scenario;
  const { connections } = shared;
  return {
    ...rest,
    transport: 'http',
    shared: connections === undefined ? {} : { connections },
    workers: workers.map((steps) =>
      steps.map((step) => ('call' in step ? { ...step, call: callOf(step.call, dice) } : step)),
    ),
  };
}

function callOf({ act, more, ...call }: Call, dice: Dice): Call {
  const odd = more !== undefined && !('idempotent' in more) ? dice.pick(ODD) : undefined;
  const own = actOf(act);
  const { form, pairs } = call.headers;
  return {
    ...call,
    api: apiOf(call.api, dice),
    headers: { form: form === 'array' ? form : 'object', pairs },
    ...(odd && { more: odd }),
    ...(own && { act: own }),
  };
}

function apiOf(api: Api, dice: Dice): Api {
  return api === 'upgrade' || api === 'connect' ? api : dice.pick(['request', 'signalled'] as const);
}

/** What listeners of node:http throw ends the process. */
function actOf(act: Act | undefined): Act | undefined {
  const isKnown = act !== undefined && (typeof act.at === 'number' || MOMENTS.includes(act.at));
  return isKnown && act.do !== 'throw' ? act : undefined;
}
