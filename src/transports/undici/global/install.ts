import './inert.ts';
import { Agent, type Dispatcher, Dispatcher1Wrapper } from 'undici';
import type { Settings } from '../../../config/settings.ts';
import { judgeOf } from '../../global/judge-of.ts';
import { Verdicts } from '../../global/verdicts.ts';
import { type BalancedAgent, settingsOf } from '../agent.ts';
import { claims, isBridge, oddity } from './claims.ts';
import { endOf, GlobalDispatcher, isOfEvenkeel, type Previous } from './global-dispatcher.ts';
import { slots } from './slots.ts';

let warnedOfKeeper = false;
let installed: GlobalDispatcher | undefined;

/** Makes an agent global in place of undici's dispatchers, for the origins that it manages. */
export function installDispatcher(agent: BalancedAgent): void {
  const settings = settingsOf(agent);
  const previous = dispatchersBefore();
  const before = judged(previous);
  warnOfKeeper(before, settings);
  const verdicts = new Verdicts({
    // With the settings of the agent, so that a name is looked up once for both.
    judge: judgeOf(settings, { claims: (url) => claimed(before, url) }),
    clock: settings.clock,
    maxOrigins: settings.maxOrigins,
    timeout: settings.newsTimeout,
  });
  const dispatcher = new GlobalDispatcher({
    agent,
    previous,
    verdicts,
    maxHeld: settings.maxPendingRequests,
  });
  slots.legacy = dispatcher;
  slots.modern = dispatcher;
  installed = dispatcher;
}

/**
 * Restores the dispatchers that were global before. If other code has set another one since, that one stays. Requests
 * under way finish.
 *
 * @returns when they have finished
 */
export async function uninstallDispatcher(): Promise<void> {
  const dispatcher = installed;
  if (dispatcher === undefined) return;
  installed = undefined;
  const { legacy, modern } = slots;
  if (modern === dispatcher) slots.modern = endOf(dispatcher.previous.modern, 'modern');
  // With undici 8, code that makes it global again gets it wrapped for older callers.
  const wrapped = modern === dispatcher && legacy !== undefined && isBridge(legacy);
  if (legacy === dispatcher || (wrapped && dispatcher.isBehind(legacy))) {
    slots.legacy = endOf(dispatcher.previous.legacy, 'legacy');
  }
  dispatcher.release();
  if (!dispatcher.agent.destroyed) await dispatcher.agent.close();
}

/**
 * Whether an agent with these settings, installed now, would balance requests to an origin. Rejects if that can't be
 * found out, or if `signal` aborts first.
 */
export async function manages(
  origin: string,
  settings: Settings,
  signal: AbortSignal,
  resolvConf?: string,
): Promise<boolean> {
  const previous = judged(dispatchersBefore());
  const claims = (url: URL) => claimed(previous, url);
  return (await judgeOf(settings, { claims, resolvConf, signal })(origin)) === 'managed';
}

/** The dispatchers that may claim requests: not one that only wraps the other for older callers. */
function judged({ legacy, modern }: Previous): Dispatcher[] {
  return legacy === modern || isBridge(legacy) ? [modern] : [legacy, modern];
}

function claimed(dispatchers: readonly Dispatcher[], url: URL): boolean {
  return dispatchers.some((dispatcher) => claims(dispatcher, url));
}

/** Warns, once, that a dispatcher keeps its requests, unless the option `hosts` says what is balanced. */
function warnOfKeeper(dispatchers: readonly Dispatcher[], { hosts = [] }: Settings): void {
  const odd = dispatchers.map(oddity).find((found) => found !== undefined);
  if (odd === undefined || warnedOfKeeper || hosts.some((glob) => !glob.startsWith('!'))) return;
  warnedOfKeeper = true;
  process.emitWarning(
    dispatchers.some(isOfEvenkeel)
      ? 'another copy of evenkeel is installed in this process (by the preload, for example): it balances the requests of fetch and undici, with its own options, and this copy leaves them to it'
      : `the global dispatcher is ${odd}: it keeps its requests, and evenkeel balances none of them. Name the hosts that evenkeel is to balance: install({ hosts: ['*.svc.cluster.local'] }) or EVENKEEL_HOSTS`,
    { type: 'EvenkeelWarning', code: 'EVENKEEL_DISPATCHER_KEPT' },
  );
}

function dispatchersBefore(): Previous {
  if (slots.legacy === undefined) loadBuiltInFetch();
  const modern = endOf(slots.modern ?? new Agent(), 'modern');
  return { legacy: endOf(slots.legacy ?? new Dispatcher1Wrapper(modern), 'legacy'), modern };
}

/**
 * Makes Node.js 22 and 24 load their own undici, which fills the slot with an Agent of that version. They do that only
 * once. Without it, requests to the outside would go through another version of undici.
 */
function loadBuiltInFetch(): void {
  if (Number.parseInt(process.versions.undici ?? '', 10) >= 8) return;
  const { modern } = slots;
  Reflect.get(globalThis, 'Response');
  // Node 24 fills both slots.
  slots.modern = modern;
}
