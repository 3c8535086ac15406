import { isIP } from 'node:net';
import { environment } from '../../core/base/environment.ts';
import { formatAddress } from '../../core/endpoints/endpoint-keys.ts';
import type { ChannelArgs, GrpcUri } from './grpc-js.ts';

/** The port that grpc-js uses if a target has none. */
const DEFAULT_PORT = 443;

/** A service that channels call. */
export interface GrpcTarget {
  /** Its key, and its name in reports: `grpc://orders.prod:50051`. */
  readonly origin: string;
  /** The name to look up, or an IP address. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * The service of a `dns:` target, or of a target without a scheme. `undefined` if evenkeel leaves it to grpc-js: it
 * names its own DNS server, stands for a proxy, or can't be parsed.
 */
export function dnsTarget({ authority, path }: GrpcUri, options: ChannelArgs): GrpcTarget | undefined {
  if (authority || options['grpc.http_connect_target'] !== undefined || isProxy(path)) return undefined;
  const parts = splitPath(path);
  if (parts === undefined || !isPort(parts.port ?? `${DEFAULT_PORT}`)) return undefined;
  return targetOf(parts.host, Number(parts.port ?? DEFAULT_PORT));
}

/** Whether this path is the environment's proxy. Versions before 1.13 resolve the proxy, and don't say for which target. */
function isProxy(path: string): boolean {
  const proxy = proxyOfEnvironment();
  return proxy !== null && path === `${proxy.hostname}:${proxy.port || 80}`;
}

/** Whether grpc-js reaches a host through the environment's proxy, unless the options of the channel forbid it. */
export function isBehindProxy(host: string): boolean {
  if (proxyOfEnvironment()?.protocol !== 'http:') return false;
  const { no_grpc_proxy, no_proxy } = environment();
  const exempt = no_grpc_proxy || no_proxy;
  return !exempt?.split(',').some((suffix) => host.endsWith(suffix));
}

/** The environment's proxy, from the variables that grpc-js reads. */
function proxyOfEnvironment(): URL | null {
  const { grpc_proxy, https_proxy, http_proxy } = environment();
  return URL.parse(grpc_proxy || https_proxy || http_proxy || '');
}

/** Whether a `kube:` target is really a host with the name `kube`, and a port: `kube:50051`. */
export function isHostNamedKube({ authority, path }: GrpcUri): boolean {
  return authority === undefined && /^\d+$/.test(path);
}

/**
 * The service of a target `kube:///name.namespace:port`. If the port is a name, it is looked up in DNS (an SRV record).
 *
 * @throws an error that says what is wrong with it
 */
export function kubeTarget({ authority, path }: GrpcUri): GrpcTarget {
  const problem = `kube:${authority === undefined ? '' : `//${authority}/`}${path} is no target of evenkeel's; expected kube:///name.namespace:port`;
  const parts = authority ? undefined : splitPath(path);
  if (parts?.port === undefined || !/^[\w-]+(\.[\w-]+)*\.?$/.test(parts.host)) throw new Error(problem);
  const { host, port } = parts;
  // If there are two labels, the second one is a namespace.
  const hostname = /^[^.]+\.[^.]+$/.test(host) ? `${host}.svc` : host;
  if (isPort(port)) return targetOf(hostname, Number(port));
  if (!/^[a-z0-9-]*[a-z][a-z0-9-]*$/.test(port)) throw new Error(problem);
  return targetOf(`_${port}._tcp.${hostname}`, DEFAULT_PORT);
}

/** The name that servers see, and that calls carry. If the port is a name, it is left out, because TLS doesn't know it. */
export function kubeAuthority({ path }: GrpcUri): string {
  const { host, port } = splitPath(path) ?? { host: path, port: undefined };
  return port === undefined || isPort(port) ? path : host;
}

function targetOf(hostname: string, port: number): GrpcTarget {
  const name = isIP(hostname) === 0 ? `${hostname}:${port}` : formatAddress({ address: hostname, port });
  return { origin: `grpc://${name.toLowerCase()}`, hostname, port };
}

/** Splits a path as grpc-js does, but a port may be a name. */
function splitPath(path: string): { host: string; port: string | undefined } | undefined {
  const [, bracketed, behind] = /^\[([^\]]*:[^\]]*)\](?::(.+))?$/.exec(path) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: behind };
  if (path.startsWith('[')) return undefined;
  const [host = '', port, ...more] = path.split(':');
  if (more.length > 0) return { host: path, port: undefined };
  return host === '' ? undefined : { host, port };
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) > 0 && Number(text) < 65_536;
}
