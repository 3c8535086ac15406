import { outsideRequests } from '../core/base/context.ts';
import { liveServices } from '../core/service.ts';
import { addLiveAgent, type LiveAgent } from '../telemetry/live-agents.ts';
import type { AdminServer } from './admin-server.ts';
import { logAgent } from './log.ts';

/** The pages there are, or will be, by address, with the agents that want them. */
const pages = new Map<string, { wantedBy: number; server: AdminServer | undefined }>();

/**
 * Makes an agent known to all who look at the agents of this process and to the log, and serves the page if its settings say so: at once if
 * code says so, and from the first service that is used if a variable does. A variable reaches every Node.js in a container,
 * that of a package manager too, and the port is for the app.
 *
 * @returns a function to be called when the agent is closed
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

/** Calls `open` when the first service is made, or there is one, and what that has returned when the returned function is called. */
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

/** Loaded by those only who want it. */
async function serve(address: string): Promise<void> {
  const { AdminServer } = await outsideRequests(() => import('./admin-server.ts'));
  const page = pages.get(address);
  if (page === undefined) return;
  page.server ??= outsideRequests(() => AdminServer.open(address));
}
