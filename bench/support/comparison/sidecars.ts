import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atExit } from '../at-exit.ts';
import { obtain } from '../debian.ts';
import { freePort, loopbackAddresses } from '../loopback.ts';
import { listening } from '../nginx.ts';
import { temporaryDirectory } from '../temporary.ts';
import { NAME, type ServiceView } from './service.ts';

/** A proxy beside the app. */
export interface Sidecar {
  readonly origin: string;
  readonly pid: number;
  stop(): void;
}

/** Why there is no such proxy here. */
export function sidecarObstacle(command: 'haproxy' | 'nginx'): string | undefined {
  return obtain(command, command === 'nginx' ? 'nginx-light' : command);
}

/** HAProxy, which follows DNS as fast as it can. */
export async function startHaproxy({ dns, port, most }: ServiceView): Promise<Sidecar> {
  const resolvers = `
resolvers cluster
  nameserver dns ${dns.address}
  hold valid 1s
  hold obsolete 0
  timeout resolve 500ms`;
  const server = `server-template pod ${most} ${NAME}:${port} resolvers cluster init-addr none`;
  return start('haproxy', (listen, file) => ({
    args: ['-db', '-q', '-f', file],
    configuration: `
global
  maxconn 4000
  nbthread 1
${resolvers}
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
frontend app
  bind ${listen}
  default_backend pods
backend pods
  balance leastconn
  http-reuse always
  ${server}
`,
  }));
}

/** nginx, which asks DNS for each connection; without its commercial edition it keeps none then. */
export async function startNginxProxy({ dns, port }: ServiceView): Promise<Sidecar> {
  const resolver = `resolver ${dns.address} valid=1s ipv6=off;`;
  const location = `set $pods "${NAME}:${port}"; location / { proxy_pass http://$pods; }`;
  return nginx(resolver, location);
}

/** nginx in front of pods that never change, to which it keeps connections. */
export async function startStaticNginxProxy({ addresses, port }: ServiceView): Promise<Sidecar> {
  const servers = addresses.map((address) => `server ${address}:${port};`).join(' ');
  const upstream = `upstream pods { least_conn; ${servers} keepalive 64; }`;
  const location = `
    location / { proxy_pass http://pods; proxy_http_version 1.1; proxy_set_header Connection ""; }`;
  return nginx(upstream, location);
}

async function nginx(context: string, location: string): Promise<Sidecar> {
  return start('nginx', (listen, file, directory) => ({
    args: ['-p', directory, '-c', file, '-e', 'stderr'],
    configuration: `
daemon off;
master_process off;
pid nginx.pid;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
  ${context}
  keepalive_requests 1000000000;
  server {
    listen ${listen};
    ${location}
  }
}
`,
  }));
}

type Configure = (
  listen: string,
  file: string,
  directory: string,
) => { args: string[]; configuration: string };

async function start(command: string, configure: Configure): Promise<Sidecar> {
  const [address] = loopbackAddresses(1);
  const port = await freePort(address!);
  const directory = temporaryDirectory();
  const file = join(directory, `${command}.conf`);
  const { args, configuration } = configure(`${address}:${port}`, file, directory);
  writeFileSync(file, configuration);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const stop = () => void child.kill('SIGKILL');
  atExit(stop);
  await listening(child, address!, port);
  return { origin: `http://${address}:${port}`, pid: child.pid!, stop };
}
