import promises, { type readFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** Fields of a line: the peer's address, what is queued, and how often it was sent again. */
const PEER = 2;
const QUEUES = 4;
const RETRANSMISSIONS = 6;

const ports = new Set<string>();
const read = promises.readFile;

/** Has the kernel say, of all connections to a port, that what was sent is sent over and over, in vain. */
export function swallow(port: number): void {
  ports.add(hexOf(port));
  promises.readFile = readTable as typeof readFile;
  syncBuiltinESMExports();
}

/** Has it say again what is so. */
export function deliver(port: number): void {
  ports.delete(hexOf(port));
  if (ports.size > 0) return;
  promises.readFile = read;
  syncBuiltinESMExports();
}

async function readTable(...args: Parameters<typeof readFile>): Promise<unknown> {
  const text = await read(...args);
  return TABLES.includes(String(args[0])) ? String(text).split('\n').map(rewrite).join('\n') : text;
}

function rewrite(line: string): string {
  const fields = line.trim().split(/\s+/);
  if (!ports.has(fields[PEER]?.split(':')[1] ?? '')) return line;
  fields[QUEUES] = '00000040:00000000';
  fields[RETRANSMISSIONS] = '00000005';
  return fields.join(' ');
}

function hexOf(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
