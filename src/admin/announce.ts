import { outsideRequests } from '../core/base/context.ts';
import { liveServices } from '../core/service.ts';
import { addLiveAgent, type LiveAgent } from '../telemetry/live-agents.ts';
import type { AdminServer } from './admin-server.ts';
import { logAgent } from './log.ts';

/** The pages that exist or will exist, by address, and how many agents want each. */
const pages = new Map<string, { wantedBy: number; server: AdminServer | undefined }>();

/**
 * Registers an agent for the log and for code that looks at all agents. Serves the page if the settings say so: at once
 * if code says so; if a variable does, when the first service is used. A variable reaches every Node.js in a container,
 * also that of a package manager, and the port is for the app.
 *
 * @returns a function to call when the agent is closed
 */
export function announce(agent: LiveAgent): () => void {
  const leave = addLiveAgent(agent);
  logAgent(agent);
  const { admin } = agent.settings;
  if (typeof admin !== 'string') return leave;
  const close = agent.options.admin === undefined ? whenUsed(() => openPage(admin)) : openPage(admin);
  let left = false;
  return () => {
    if (left) return;
    left = true;
    leave();
    close();
  };
}

/** Calls `open` when there is a first service. The returned function ends what `open` has returned. */
function whenUsed(open: () => () => void): () => void {
  let close: (() => void) | undefined;
  const unwatch = liveServices.watch(
    () => {
      close ??= open();
    },
    () => {},
  );
  return () => {
    unwatch();
    close?.();
  };
}

function openPage(address: string): () => void {
  const page = pages.get(address) ?? { wantedBy: 0, server: undefined };
  pages.set(address, page);
  page.wantedBy++;
  if (page.wantedBy === 1) void serve(address);
  return () => {
    page.wantedBy--;
    if (page.wantedBy > 0) return;
    pages.delete(address);
    page.server?.close();
  };
}

/** Loaded only if needed. */
async function serve(address: string): Promise<void> {
  const { AdminServer } = await outsideRequests(() => import('./admin-server.ts'));
  const page = pages.get(address);
  if (page === undefined) return;
  page.server ??= outsideRequests(() => AdminServer.open(address));
}
