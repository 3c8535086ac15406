import { readFile } from 'node:fs/promises';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const ESTABLISHED = '01';
/** With Linux's shortest pauses, these take three seconds. */
const MANY_RETRANSMISSIONS = 4;

/** Connections of this host, by their ports, and whether what was sent on them is sent over and over, in vain. */
export type Unacknowledged = ReadonlyMap<string, boolean>;

/** What stands for a connection in the table. */
export function portsOf(localPort: number, remotePort: number): string {
  return `${localPort} ${remotePort}`;
}

/** Asks the kernel. Where that isn't Linux, nothing is known. */
export async function unacknowledged(): Promise<Unacknowledged> {
  const known = new Map<string, boolean>();
  for (const path of TABLES) {
    const table = await readFile(path, 'latin1').catch(() => '');
    for (const line of table.split('\n').slice(1)) read(line, known);
  }
  return known;
}

/** See https://docs.kernel.org/networking/proc_net_tcp.html */
function read(line: string, known: Map<string, boolean>): void {
  const [, local, remote, state, queues, , retransmissions] = line.trim().split(/\s+/);
  if (state !== ESTABLISHED) return;
  const ports = portsOf(portOf(local!), portOf(remote!));
  const stuck =
    !queues!.startsWith('00000000:') && Number.parseInt(retransmissions!, 16) >= MANY_RETRANSMISSIONS;
  // Two that have the same ports lead to different addresses, and are not told apart.
  known.set(ports, stuck && known.get(ports) !== false);
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
