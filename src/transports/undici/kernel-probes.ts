import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { PROBE_SOON } from '../common/kernel.ts';
import { DEFAULTS } from './undici.ts';

/**
 * Lets the kernel ask the pod's kernel whether the connection still exists. After ten unanswered questions, the kernel
 * ends the connection. If a request was acknowledged, nothing else shows that the pod is gone. Afterwards, the user's
 * settings are restored. If the user has a connector, its settings aren't known, so nothing is changed.
 */
export function askKernel(socket: Socket, { connect }: Client.Options, urgent: boolean): void {
  if (typeof connect === 'function') return;
  if (urgent) {
    socket.setKeepAlive(true, PROBE_SOON);
    return;
  }
  const { keepAlive, keepAliveInitialDelay = DEFAULTS.keepAliveInitialDelay } = connect ?? {};
  socket.setKeepAlive(keepAlive ?? true, keepAliveInitialDelay ?? 0);
}
