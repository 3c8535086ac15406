// A gRPC server that stands for a pod, without grpc-js: it answers each unary call with its address.

import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface GrpcPodConfig {
  readonly address: string;
  readonly port: number;
  /** Milliseconds until a call is answered. */
  readonly delay: number;
  /** Milliseconds from one GOAWAY to the next; 0: none. */
  readonly goaway: number;
  /** Calls at a time that it takes on a connection. */
  readonly streams: number;
}

/** As servers do that say first that there is an end: what is sent meanwhile is answered. */
const GRACE = 30;
const LAST_STREAM = 2 ** 31 - 1;

process.once('message', ({ address, port, delay, goaway, streams }: GrpcPodConfig) => {
  const text = Buffer.from(address);
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), text]);
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ settings: { maxConcurrentStreams: streams } });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => {});
  });
  server.on('stream', (stream) => {
    const answer = () => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(message);
    };
    stream.on('error', () => {}).resume();
    if (delay === 0) answer();
    else setTimeout(answer, delay);
  });
  if (goaway > 0) {
    setInterval(() => {
      for (const session of sessions) {
        sessions.delete(session);
        // Its caller may have ended it, of which 'close' has not told yet: goaway() would throw, and end this pod.
        if (session.destroyed) continue;
        session.goaway(0, LAST_STREAM);
        setTimeout(() => session.close(), GRACE);
      }
    }, goaway);
  }
  server.listen(port, address, () => process.send!((server.address() as AddressInfo).port));
});
process.on('disconnect', () => process.exit());
