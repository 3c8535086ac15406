import './inert.ts';
import { Agent, type Dispatcher, Dispatcher1Wrapper } from 'undici';
import type { BalancedAgentOptions } from '../../../config/options.ts';
import { resolveSettings } from '../../../config/resolve-settings.ts';
import type { Settings } from '../../../config/settings.ts';
import { modeOfProcess } from '../../../config/switches.ts';
import { hostName } from '../../../core/base/host.ts';
import { ClusterNames } from '../../../core/discovery/kubernetes/cluster-names.ts';
import { BalancedAgent, settingsOf } from '../agent.ts';
import { isBridge, oddity } from './claims.ts';
import { endOf, GlobalDispatcher, type Previous } from './global-dispatcher.ts';
import { type NameJudge, nameJudge } from './name-judge.ts';
import { ownership } from './ownership.ts';
import { slots } from './slots.ts';
import { Verdicts } from './verdicts.ts';

const RESOLV_CONF = '/etc/resolv.conf';

/** Leaves out all hosts. */
const NONE = ['!*'];

let warnedOfKeeper = false;
let installed: GlobalDispatcher | undefined;

/**
 * Balances the requests of the whole process: of built-in `fetch` and `WebSocket`, and of all copies of
 * undici, where they go into the cluster or into private networks (option `hosts`). Installing again
 * replaces what was installed, options and all. `EVENKEEL_DISABLED=1` has it do nothing, and `EVENKEEL_MODE=observe`
 * has it watch what others send.
 *
 * @returns the agent, for its `stats` and events; it balances nothing when nothing is installed
 * @throws undici's `InvalidArgumentError` for an option that is unknown or isn't accepted
 */
export function install(options: BalancedAgentOptions = {}): BalancedAgent {
  const mode = modeOfProcess();
  const settings = resolveSettings(options);
  void uninstall();
  if (mode === 'observe') observe(settings);
  if (mode !== 'balance') return new BalancedAgent({ ...options, hosts: NONE });
  const agent = new BalancedAgent(options);
  const previous = dispatchersBefore();
  const before = judged(previous);
  warnOfKeeper(before, settings);
  const verdicts = new Verdicts({
    // By the agent's own settings, so that a name is looked up once for both.
    judge: ownership({ ...settings, previous: before, judgeName: judgeOf(settingsOf(agent)) }),
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
  return agent;
}

/**
 * Puts back the dispatchers that were global before; one that somebody else has put in place since stays.
 * Requests under way come to their end.
 *
 * @returns when they have
 */
export async function uninstall(): Promise<void> {
  const dispatcher = installed;
  if (dispatcher === undefined) return;
  installed = undefined;
  const { legacy, modern } = slots;
  if (modern === dispatcher) slots.modern = endOf(dispatcher.previous.modern, 'modern');
  // Whoever makes it global once more, with undici 8, has it wrapped for old-style callers.
  const wrapped = modern === dispatcher && legacy !== undefined && isBridge(legacy);
  if (legacy === dispatcher || (wrapped && dispatcher.isBehind(legacy))) {
    slots.legacy = endOf(dispatcher.previous.legacy, 'legacy');
  }
  dispatcher.release();
  if (!dispatcher.agent.destroyed) await dispatcher.agent.close();
}

/**
 * Whether requests to an origin would be balanced, were an agent with these settings installed now. Rejects when
 * that can't be found out, or `signal` aborts before.
 */
export async function manages(
  origin: string,
  settings: Settings,
  signal: AbortSignal,
  resolvConf = RESOLV_CONF,
): Promise<boolean> {
  const previous = judged(dispatchersBefore());
  const judge = ownership({ ...settings, previous, judgeName: judgeOf(settings, resolvConf, signal) });
  return (await judge(origin)) === 'managed';
}

/** Those of them that have a say: what wraps the other one for old-style callers has none. */
function judged({ legacy, modern }: Previous): Dispatcher[] {
  return legacy === modern || isBridge(legacy) ? [modern] : [legacy, modern];
}

/** Says, once, that a dispatcher keeps what it had, unless somebody has said what is balanced. */
function warnOfKeeper(dispatchers: readonly Dispatcher[], { hosts = [] }: Settings): void {
  const odd = dispatchers.map(oddity).find((found) => found !== undefined);
  if (odd === undefined || warnedOfKeeper || hosts.some((glob) => !glob.startsWith('!'))) return;
  warnedOfKeeper = true;
  process.emitWarning(
    `the global dispatcher is ${odd}: it keeps its requests, and none are balanced but those to hosts that are named, as in install({ hosts: ['*.svc.cluster.local'] }) or EVENKEEL_HOSTS`,
    { type: 'EvenkeelWarning', code: 'EVENKEEL_DISPATCHER_KEPT' },
  );
}

/** Not waited for: `install()` can't be. */
function observe(settings: Settings): void {
  import('../../../observe/observe.ts')
    .then(({ observe }) => observe(settings, manages))
    .catch((error: Error) => {
      process.emitWarning(`nothing is observed: ${error.message}`, { type: 'EvenkeelWarning' });
    });
}

function dispatchersBefore(): Previous {
  if (slots.legacy === undefined) loadBuiltInFetch();
  const modern = endOf(slots.modern ?? new Agent(), 'modern');
  return { legacy: endOf(slots.legacy ?? new Dispatcher1Wrapper(modern), 'legacy'), modern };
}

/**
 * Has Node.js 22 and 24 load the undici inside them, so that it fills the slot with an Agent of its own: it never
 * does so again, and through another version's, requests to the outside would not be what they were.
 */
function loadBuiltInFetch(): void {
  if (Number.parseInt(process.versions.undici ?? '', 10) >= 8) return;
  const { modern } = slots;
  Reflect.get(globalThis, 'Response');
  // On Node 24 it takes both.
  slots.modern = modern;
}

function judgeOf(
  { dns, kubernetes, discovery, clock, random }: Settings,
  resolvConf = RESOLV_CONF,
  signal?: AbortSignal,
): NameJudge {
  const place = { resolvConf, hostname: hostName() };
  const names = new ClusterNames(kubernetes.clusterDomain, place);
  const findsMore = discovery !== 'auto' && discovery !== 'dns';
  const { clusterDomain } = kubernetes;
  return nameJudge({
    ...dns,
    clock,
    random,
    clusterDomain,
    names,
    findsMore,
    shared: dns,
    resolvConfPath: resolvConf,
    signal,
  });
}
