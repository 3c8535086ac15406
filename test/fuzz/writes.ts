// On which connection a client has written a request, which it tells by undici's own channel. What happened to that
// very connection is all that may excuse it.
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** A request that was written. */
export interface Write {
  readonly call: number;
  readonly at: number;
}

interface SentHeaders {
  readonly request: { readonly path: string };
  readonly socket: Socket;
}

/** Of the connections of this process, by their ends. */
const written = new Map<string, Write[]>();

subscribe('undici:client:sendHeaders', (message) => {
  const { request, socket } = message as SentHeaders;
  const call = Number(/^\/?c(\d+)/.exec(request.path)?.[1]);
  if (Number.isNaN(call)) return;
  const key = `${socket.remoteAddress}:${socket.remotePort}<${socket.localPort}`;
  const writes = written.get(key) ?? [];
  writes.push({ call, at: performance.now() });
  written.set(key, writes);
});

/** What was written on a connection, of which this is the server's end. It is told once. */
export function takeWrites(end: { address: string; port: number; clientPort: number }): readonly Write[] {
  const key = `${end.address}:${end.port}<${end.clientPort}`;
  const writes = written.get(key) ?? [];
  written.delete(key);
  return writes;
}
