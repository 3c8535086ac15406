import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { balancedSessions } from '../../../src/connect.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { EchoClient } from '../../../test/support/connect-client.ts';
import { ManualResolver } from '../../../test/support/manual-resolver.ts';
import { atExit } from '../at-exit.ts';
import { loopbackAddresses } from '../loopback.ts';

const BASE_URL = 'http://orders.test:50051';

type Sessions = Pick<Http2SessionManager, 'authority' | 'request' | 'notifyResponseByteRead'>;

/** Starts pods, each in a process of its own. */
export function startConnectPods(count: number): Promise<EndpointAddress[]> {
  return Promise.all(
    loopbackAddresses(count).map(async (address) => {
      const child = fork(new URL('./pod-process.ts', import.meta.url), { execArgv: [] });
      atExit(() => void child.kill());
      child.send(address);
      const [endpoint] = (await once(child, 'message')) as [EndpointAddress];
      return endpoint;
    }),
  );
}

/** connect-node's own sessions, one for each pod, which take calls in turn. */
export function stockClient(pods: readonly EndpointAddress[]): EchoClient {
  const managers = pods.map(({ address, port }) => new Http2SessionManager(`http://${address}:${port}`));
  let turn = 0;
  return clientOf({
    authority: BASE_URL,
    request: (...request) => managers[turn++ % managers.length]!.request(...request),
    notifyResponseByteRead: (stream) => {
      for (const manager of managers) manager.notifyResponseByteRead(stream);
    },
  });
}

export function balancedClient(pods: readonly EndpointAddress[]): EchoClient {
  const { resolve } = new ManualResolver(pods.map((endpoint) => ({ endpoint })));
  return clientOf(balancedSessions(BASE_URL, { discovery: resolve }));
}

function clientOf(sessionManager: Sessions): EchoClient {
  return new EchoClient(
    createGrpcTransport({ baseUrl: BASE_URL, sessionManager: sessionManager as Http2SessionManager }),
  );
}
