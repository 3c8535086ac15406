import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { DEFAULTS } from './undici.ts';

/** Milliseconds without a byte after which the kernel asks, where an answer is urgent; then it does each second. */
const URGENT = 1_000;

/**
 * Has the kernel ask a pod's kernel whether it still has the connection, and ends that after ten questions
 * without an answer. A request that was acknowledged leaves nothing else to tell a pod that is gone by. How
 * users set that is restored; of what a connector of theirs does nothing is known, so that it is left alone.
 */
export function askKernel(socket: Socket, { connect }: Client.Options, urgent: boolean): void {
  if (typeof connect === 'function') return;
  if (urgent) {
    socket.setKeepAlive(true, URGENT);
    return;
  }
  const { keepAlive, keepAliveInitialDelay = DEFAULTS.keepAliveInitialDelay } = connect ?? {};
  socket.setKeepAlive(keepAlive ?? true, keepAliveInitialDelay ?? 0);
}
