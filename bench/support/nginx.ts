import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { atExit } from './at-exit.ts';
import { type Certificate, selfSigned } from './certificate.ts';
import { obtain } from './debian.ts';
import { freePort, loopbackAddresses } from './loopback.ts';
import { temporaryDirectory } from './temporary.ts';

/** One nginx process behind several addresses, which answers with the one it was called by, in a little JSON. */
export interface Nginx {
  addresses: readonly string[];
  port: number;
  /** All of them, for a resolver. */
  endpoints: readonly { address: string; port: number }[];
  /** That of the first address. */
  origin: string;
  certificate: Certificate | undefined;
  stop(): void;
}

export interface NginxOptions {
  addresses: number;
  tls?: boolean;
}

export async function startNginx({ addresses: count, tls = false }: NginxOptions): Promise<Nginx> {
  const obstacle = obtain('nginx', 'nginx-light');
  if (obstacle !== undefined) throw new Error(`this benchmark ${obstacle}`);
  const addresses = loopbackAddresses(count);
  const port = await freePort(addresses[0]!);
  const certificate = tls ? selfSigned() : undefined;
  const directory = temporaryDirectory();
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, configuration(addresses, port, certificate));
  const nginx = spawn('nginx', ['-p', directory, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = () => void nginx.kill();
  atExit(stop);
  await listening(nginx, addresses[0]!, port);
  const endpoints = addresses.map((address) => ({ address, port }));
  const origin = `${tls ? 'https' : 'http'}://${addresses[0]}:${port}`;
  return { addresses, port, endpoints, origin, certificate, stop };
}

function configuration(
  addresses: readonly string[],
  port: number,
  certificate: Certificate | undefined,
): string {
  const listen = addresses.map((address) => `listen ${address}:${port}${certificate ? ' ssl' : ''};`);
  const tls = certificate
    ? `ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`
    : '';
  const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off;
    master_process off;
    pid nginx.pid;
    worker_rlimit_nofile 8192;
    events { worker_connections 4096; }
    http {
      access_log off;
      ${temporaryPaths.map((name) => `${name}_temp_path ${name};`).join(' ')}
      default_type application/json;
      keepalive_requests 1000000000;
      server {
        ${listen.join(' ')}
        ${tls}
        location = / { return 200 '{"address":"$server_addr"}'; }
      }
    }`;
}

export async function listening(server: ChildProcess, address: string, port: number): Promise<void> {
  while (server.exitCode === null) {
    const socket = connect(port, address);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`${server.spawnfile} ended with code ${server.exitCode}`);
}
