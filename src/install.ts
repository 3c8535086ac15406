import './transports/undici/global/inert.ts';
import { logInstalled } from './admin/log.ts';
import type { BalancedAgentOptions } from './config/options.ts';
import { resolveSettings } from './config/resolve-settings.ts';
import type { Settings } from './config/settings.ts';
import { modeOfProcess } from './config/switches.ts';
import { loadGrpc, loadHttp, loadOpenTelemetry } from './parts.ts';
import { instrumentIfWanted } from './telemetry/when-measured.ts';
import { installGrpcJs, uninstallGrpcJs } from './transports/grpc/global/install.ts';
import { installHttp, uninstallHttp } from './transports/http/global/install.ts';
import { BalancedAgent, settingsOf } from './transports/undici/agent.ts';
import { installDispatcher, uninstallDispatcher } from './transports/undici/global/install.ts';

/** Leaves out all hosts. */
const NONE = ['!*'];

/**
 * Balances the requests of the whole process: of built-in `fetch` and `WebSocket`, of all copies of undici, of
 * `node:http`, and the calls of `@grpc/grpc-js`, where they go into the cluster or into private networks (options `hosts`,
 * `http` and `grpc`). Installing again
 * replaces what was installed, options and all. `EVENKEEL_DISABLED=1` has it do nothing, and `EVENKEEL_MODE=observe`
 * has it watch what others send.
 *
 * @returns the agent of `fetch` and undici, for its `stats` and events; it balances nothing when nothing is installed
 * @throws undici's `InvalidArgumentError` for an option that is unknown or isn't accepted
 */
export function install(options: BalancedAgentOptions = {}): BalancedAgent {
  const mode = modeOfProcess();
  const settings = resolveSettings(options);
  void uninstall();
  logInstalled(mode, settings.hosts);
  if (mode === 'observe') observe(settings);
  if (mode !== 'balance') return new BalancedAgent({ ...options, hosts: NONE, admin: false });
  const agent = new BalancedAgent(options);
  installDispatcher(agent);
  // The very settings of the agent, so that a name is looked up once for both.
  if (settings.http) installHttp(settingsOf(agent), options, loadHttp);
  if (settings.grpc) installGrpcJs(settingsOf(agent), options, loadGrpc);
  instrumentIfWanted(loadOpenTelemetry);
  return agent;
}

/**
 * Puts back what was there before: the global dispatchers, how `node:http` sends requests, and what grpc-js does with channels
 * that are made from then on. What somebody else has put
 * in place since stays. Requests under way come to their end.
 *
 * @returns when they have
 */
export async function uninstall(): Promise<void> {
  uninstallGrpcJs();
  await Promise.all([uninstallDispatcher(), uninstallHttp()]);
}

/** Not waited for: `install()` can't be. */
function observe(settings: Settings): void {
  import('./observing.ts')
    .then(({ observeAll }) => observeAll(settings))
    .catch((error: Error) => {
      process.emitWarning(`evenkeel observes nothing: ${error.message}`, { type: 'EvenkeelWarning' });
    });
}
