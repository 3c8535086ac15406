import type { Socket } from 'node:net';
import { portsOf } from '../../core/connections/unacknowledged.ts';

/** If it is urgent, the kernel probes a peer after so many milliseconds without a byte, and then every second. */
export const PROBE_SOON = 1_000;

/** The key of a socket in the kernel's table; `undefined` if it is no socket of the kernel. */
export function portsOfSocket({ localPort, remotePort }: Socket): string | undefined {
  return localPort === undefined || remotePort === undefined ? undefined : portsOf(localPort, remotePort);
}

/** Node's error for a connection that the peer's kernel has reset. */
export function resetError(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
}
