import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atExit } from '../at-exit.ts';
import { freePort, loopbackAddresses } from '../loopback.ts';
import { listening } from '../nginx.ts';
import { temporaryDirectory } from '../temporary.ts';
import { type ComparedService, NAME } from './service.ts';

/** A proxy beside the app. */
export interface Sidecar {
  readonly origin: string;
  stop(): void;
}

/** HAProxy, which follows DNS as fast as it can. */
export async function startHaproxy({ dns, port, pods }: ComparedService): Promise<Sidecar> {
  return start('haproxy', (listen, file) => ({
    args: ['-db', '-q', '-f', file],
    configuration: `
global
  maxconn 4000
  nbthread 1
resolvers cluster
  nameserver dns ${dns.address}
  hold valid 1s
  hold obsolete 0
  timeout resolve 500ms
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
  server-template pod ${pods.addresses.length} ${NAME}:${port} resolvers cluster init-addr none
`,
  }));
}

/** nginx, which asks DNS for each connection; without its commercial edition it keeps none then. */
export async function startNginxProxy({ dns, port }: ComparedService): Promise<Sidecar> {
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
  resolver ${dns.address} valid=1s ipv6=off;
  keepalive_requests 1000000000;
  server {
    listen ${listen};
    set $pods "${NAME}:${port}";
    location / { proxy_pass http://$pods; }
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
  return { origin: `http://${address}:${port}`, stop };
}
