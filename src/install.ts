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

/** Excludes all hosts. */
const NONE = ['!*'];

/**
 * Balances requests of the whole process that go into the cluster or into private networks: those of built-in `fetch` and
 * `WebSocket`, of all copies of undici, of `node:http`, and the calls of `@grpc/grpc-js`. The options `hosts`, `http` and
 * `grpc` change that. If you call it again, the new options replace the old ones. With `EVENKEEL_DISABLED=1` it does
 * nothing; with `EVENKEEL_MODE=observe` it only watches what the process sends, and reports.
 *
 * @returns the agent of `fetch` and undici, with its `stats` and events. If evenkeel is switched off, it balances nothing
 * @throws undici's `InvalidArgumentError` if an option is unknown or wrong
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
  // With the settings object of the agent, so that a name is looked up once for both.
  if (settings.http) installHttp(settingsOf(agent), options, loadHttp);
  if (settings.grpc) installGrpcJs(settingsOf(agent), options, loadGrpc);
  instrumentIfWanted(loadOpenTelemetry);
  return agent;
}

/**
 * Undoes `install()`: the global dispatchers, `node:http`, and new channels of grpc-js are as before. If other code has set
 * another dispatcher since, that one stays. Requests that are under way finish.
 *
 * @returns when they have finished
 */
export async function uninstall(): Promise<void> {
  uninstallGrpcJs();
  await Promise.all([uninstallDispatcher(), uninstallHttp()]);
}

/** Not awaited, because `install()` is synchronous. */
function observe(settings: Settings): void {
  import('./observing.ts')
    .then(({ observeAll }) => observeAll(settings))
    .catch((error: Error) => {
      process.emitWarning(`evenkeel observes nothing: ${error.message}`, { type: 'EvenkeelWarning' });
    });
}
