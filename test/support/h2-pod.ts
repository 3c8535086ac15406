import { once } from 'node:events';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import { nextAddress } from './pods.ts';

export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, nth: number) => void;

export interface H2Pod {
  endpoint: EndpointAddress;
  server: Http2Server;
  sessions: ServerHttp2Session[];
  streams: number;
}

/** Options of an agent that speaks HTTP/2 without TLS. */
export const h2c = { h2Options: { useH2c: true } };

export const answer: OnStream = (stream) => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

/** Starts a pod that speaks HTTP/2 without TLS. */
export async function startH2Pod(
  t: TestContext,
  onStream: OnStream = answer,
  settings: Settings = {},
): Promise<H2Pod> {
  const server = createServer({ settings });
  const pod: H2Pod = { endpoint: { address: '', port: 0 }, server, sessions: [], streams: 0 };
  server.on('session', (session) => {
    pod.sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers, ++pod.streams);
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  pod.endpoint = { address, port };
  t.after(() => {
    for (const session of pod.sessions) session.destroy();
    server.close();
  });
  return pod;
}
