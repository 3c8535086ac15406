import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { obtain } from '../debian.ts';
import { freePort, loopbackAddresses } from '../loopback.ts';
import { temporaryDirectory } from '../temporary.ts';
import { HEALTH_PATH } from './behaviour.ts';
import type { Contender } from './contenders.ts';
import type { Place } from './place.ts';

export interface Sidecar {
  readonly origin: string;
  stop(): Promise<void>;
}

interface Kind {
  /** Debian's package that has the command. */
  readonly packageName: string;
  args(file: string, directory: string): readonly string[];
  /** How it is to listen at `listen`, in front of these pods. */
  configuration(listen: string, endpoints: readonly EndpointAddress[]): string;
}

/** As their manuals recommend for HTTP with retries. A POST is sent again only if it never went out. */
const KINDS: Partial<Record<Contender, Kind>> = {
  haproxy: {
    packageName: 'haproxy',
    args: (file) => ['-db', '-q', '-f', file],
    configuration: (listen, endpoints) => `
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
  bind ${listen}
  http-request disable-l7-retry if METH_POST
  default_backend pods
backend pods
  balance leastconn
  http-reuse safe
  option httpchk GET ${HEALTH_PATH}
  default-server check inter 500ms fall 2 rise 2 observe layer7 error-limit 5 on-error mark-down
  ${endpoints.map(({ address, port }, n) => `server pod-${n + 1} ${address}:${port}`).join('\n  ')}
`,
  },

  // Without its commercial edition it has no health checks but the requests themselves.
  nginx: {
    packageName: 'nginx-light',
    args: (file, directory) => ['-p', directory, '-c', file, '-e', 'stderr'],
    configuration: (listen, endpoints) => `
daemon off;
master_process off;
pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
  keepalive_requests 1000000000;
  upstream pods {
    least_conn;
    ${endpoints.map(({ address, port }) => `server ${address}:${port};`).join(' ')}
    keepalive 64;
  }
  server {
    listen ${listen};
    location / {
      proxy_pass http://pods;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 3s;
      proxy_next_upstream error timeout http_502 http_503 http_504;
    }
  }
}
`,
  },
};

/** Whether a contender is a proxy beside the app. */
export function isSidecar(contender: Contender): boolean {
  return KINDS[contender] !== undefined;
}

/** Why there is no such proxy here. */
export function sidecarObstacle(contender: Contender): string | undefined {
  const kind = KINDS[contender];
  return kind && obtain(contender, kind.packageName);
}

/** Starts a proxy beside the client, in front of these pods. */
export async function startSidecar(
  contender: Contender,
  place: Place,
  endpoints: readonly EndpointAddress[],
): Promise<Sidecar> {
  const kind = KINDS[contender]!;
  const [address] = loopbackAddresses(1);
  const port = await freePort(address!);
  const directory = temporaryDirectory();
  const file = join(directory, `${contender}.conf`);
  writeFileSync(file, kind.configuration(`${address}:${port}`, endpoints));
  const child = place.spawn(contender, kind.args(file, directory), { stdio: 'ignore' });
  const ended = once(child, 'exit');
  // Its checks must have found the pods.
  await delay(500);
  if (child.exitCode !== null) throw new Error(`${contender} ended with code ${child.exitCode}; see ${file}`);
  return {
    origin: `http://${address}:${port}`,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
