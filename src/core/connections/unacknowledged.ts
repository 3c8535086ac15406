import { readFile } from 'node:fs/promises';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const ESTABLISHED = '01';
const TIME_WAIT = '06';
/** With Linux's shortest pauses, so many retransmissions take three seconds. */
const MANY_RETRANSMISSIONS = 4;
/** So many probes take three seconds too, one second for each. */
const MANY_PROBES = 3;

/**
 * The connections of this host, by their ports. `true`: the kernel sends data again and again, or probes the peer,
 * without an answer. `undefined`: the connection is about to end.
 */
export type Unacknowledged = ReadonlyMap<string, boolean | undefined>;

/** The key of a connection in the table. */
export function portsOf(localPort: number, remotePort: number): string {
  return `${localPort} ${remotePort}`;
}

/** Asks the kernel. On other systems than Linux, the map is empty. */
export async function unacknowledged(): Promise<Unacknowledged> {
  const known = new Map<string, boolean | undefined>();
  for (const path of TABLES) {
    const table = await readFile(path, 'latin1').catch(() => '');
    for (const line of table.split('\n').slice(1)) read(line, known);
  }
  return known;
}

/** See https://docs.kernel.org/networking/proc_net_tcp.html */
function read(line: string, known: Map<string, boolean | undefined>): void {
  const [, local, remote, state, queues, , retransmissions, , probes] = line.trim().split(/\s+/);
  if (state === undefined || state === TIME_WAIT) return;
  const ports = portsOf(portOf(local!), portOf(remote!));
  if (state !== ESTABLISHED) {
    known.set(ports, known.get(ports));
    return;
  }
  const isQueued = !queues!.startsWith('00000000:');
  const stuck =
    (isQueued && Number.parseInt(retransmissions!, 16) >= MANY_RETRANSMISSIONS) ||
    Number(probes) >= MANY_PROBES;
  // Two connections with the same ports lead to different addresses. The table can't tell them apart.
  known.set(ports, stuck && known.get(ports) !== false);
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
