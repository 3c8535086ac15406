import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAddress } from '../../../src/discovery/resolver.ts';
import { obtain } from '../debian.ts';
import { freePort, loopbackAddresses } from '../loopback.ts';
import { temporaryDirectory } from '../temporary.ts';
import { HEALTH_PATH } from './behaviour.ts';
import type { Place } from './place.ts';

export interface Sidecar {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Why there is no HAProxy here. */
export function haproxyObstacle(): string | undefined {
  return obtain('haproxy', 'haproxy');
}

/** Starts HAProxy beside the client, in front of these pods. */
export async function startHaproxy(place: Place, endpoints: readonly EndpointAddress[]): Promise<Sidecar> {
  const [address] = loopbackAddresses(1);
  const port = await freePort(address!);
  const file = join(temporaryDirectory(), 'haproxy.cfg');
  writeFileSync(file, configuration(address!, port, endpoints));
  const child = place.spawn('haproxy', ['-db', '-q', '-f', file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  // Its checks must have found the pods.
  await delay(500);
  if (child.exitCode !== null) throw new Error(`haproxy ended with code ${child.exitCode}; try -f ${file}`);
  return {
    origin: `http://${address}:${port}`,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** What its manual recommends for HTTP with retries. A POST is sent again only if it never went out. */
function configuration(address: string, port: number, endpoints: readonly EndpointAddress[]): string {
  const servers = endpoints.map((pod, n) => `server pod-${n + 1} ${pod.address}:${pod.port}`);
  return `
global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  timeout queue 5s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend app
  bind ${address}:${port}
  http-request disable-l7-retry if METH_POST
  default_backend pods
backend pods
  balance leastconn
  http-reuse safe
  option httpchk GET ${HEALTH_PATH}
  default-server check inter 500ms fall 2 rise 2 observe layer7 error-limit 5 on-error mark-down
  ${servers.join('\n  ')}
`;
}
