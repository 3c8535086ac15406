import { announce } from '../../../admin/announce.ts';
import type { BalancingOptions } from '../../../config/options.ts';
import { withSystemDials } from '../../../config/resolve-settings.ts';
import type { Settings } from '../../../config/settings.ts';
import { hostName } from '../../../core/base/host.ts';
import type { LiveAgent } from '../../../telemetry/live-agents.ts';
import { judgeOf } from '../../global/judge-of.ts';
import { Verdicts } from '../../global/verdicts.ts';
import { sharedResolverFor } from '../../resolver-for.ts';
import { HttpServices } from '../http-services.ts';
import { hasInternals } from '../node-http.ts';
import { patchAgents } from './patch.ts';
import { Redirect } from './redirect.ts';

interface Installed {
  readonly redirect: Redirect;
  readonly services: HttpServices;
  /** Kept, as it is held weakly elsewhere. */
  readonly live: LiveAgent;
  readonly leave: () => void;
  readonly unpatch: () => void;
}

let installed: Installed | undefined;
let installations = 0;

/** Balances the requests of Node's own agents from now on, where they go to hosts that are managed. */
export function installHttp(given: Settings, options: BalancingOptions): void {
  if (!hasInternals()) {
    process.emitWarning(
      `node:http is left alone: this Node.js, ${process.version}, has other agents than evenkeel knows`,
      {
        type: 'EvenkeelWarning',
        code: 'EVENKEEL_HTTP_UNKNOWN',
      },
    );
    return;
  }
  const settings = withSystemDials(given, options);
  const { clock, maxOrigins, newsTimeout, maxPendingRequests } = settings;
  const identity = `${hostName()} ${process.pid} node:http ${++installations}`;
  const services = new HttpServices({ settings, resolver: sharedResolverFor(settings), identity });
  const verdicts = new Verdicts({ judge: judgeOf(settings), clock, maxOrigins, timeout: newsTimeout });
  const redirect = new Redirect({ services, verdicts, clock, maxHeld: maxPendingRequests });
  const live: LiveAgent = { name: 'node:http', settings, options, stats: () => services.stats };
  installed = {
    redirect,
    services,
    live,
    leave: announce(live),
    unpatch: patchAgents((agent, request, requestOptions) => redirect.take(agent, request, requestOptions)),
  };
}

/** Puts back what was there. Resolves when the requests under way have ended. */
export async function uninstallHttp(): Promise<void> {
  if (installed === undefined) return;
  const { redirect, services, leave, unpatch } = installed;
  installed = undefined;
  unpatch();
  leave();
  redirect.release();
  await services.end((service) => service.close());
}
