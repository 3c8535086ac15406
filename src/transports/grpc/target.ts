import { isIP } from 'node:net';
import { environment } from '../../core/base/environment.ts';
import { formatAddress } from '../../core/endpoints/endpoint-keys.ts';
import type { ChannelArgs, GrpcUri } from './grpc-js.ts';

/** What grpc-js takes for the port of a target that names none. */
const DEFAULT_PORT = 443;

/** A service that channels call. */
export interface GrpcTarget {
  /** What it is known by, and what is reported of it goes by: `grpc://orders.prod:50051`. */
  readonly origin: string;
  /** The name to look up, or an IP address. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * The service that a `dns:` target means, or one without a scheme. `undefined`: one that is not ours, for it names its own
 * name server, stands for a proxy, or doesn't parse, of which grpc-js has its own to say.
 */
export function dnsTarget({ authority, path }: GrpcUri, options: ChannelArgs): GrpcTarget | undefined {
  if (authority || options['grpc.http_connect_target'] !== undefined || isProxy(path)) return undefined;
  const parts = splitPath(path);
  if (parts === undefined || !isPort(parts.port ?? `${DEFAULT_PORT}`)) return undefined;
  return targetOf(parts.host, Number(parts.port ?? DEFAULT_PORT));
}

/** Whether that is the proxy of the environment, in whose name versions before 1.13 ask, and don't say for whom. */
function isProxy(path: string): boolean {
  const proxy = proxyOfEnvironment();
  return proxy !== null && path === `${proxy.hostname}:${proxy.port || 80}`;
}

/** Whether grpc-js reaches a host by the proxy of the environment, as long as the options of the channel don't forbid it. */
export function isBehindProxy(host: string): boolean {
  if (proxyOfEnvironment()?.protocol !== 'http:') return false;
  const { no_grpc_proxy, no_proxy } = environment();
  const exempt = no_grpc_proxy || no_proxy;
  return !exempt?.split(',').some((suffix) => host.endsWith(suffix));
}

/** What grpc-js takes for it, which reads these variables only. */
function proxyOfEnvironment(): URL | null {
  const { grpc_proxy, https_proxy, http_proxy } = environment();
  return URL.parse(grpc_proxy || https_proxy || http_proxy || '');
}

/** Whether a `kube:` target is a host of that name, with a port: `kube:50051` has no scheme. */
export function isHostNamedKube({ authority, path }: GrpcUri): boolean {
  return authority === undefined && /^\d+$/.test(path);
}

/**
 * The service that a `kube:///name.namespace:port` target means. A port that is a name is looked up by DNS, in its SRV
 * records.
 *
 * @throws what is wrong with it, for people
 */
export function kubeTarget({ authority, path }: GrpcUri): GrpcTarget {
  const problem = `kube:${authority === undefined ? '' : `//${authority}/`}${path} is no target of evenkeel's; expected kube:///name.namespace:port`;
  const parts = authority ? undefined : splitPath(path);
  if (parts?.port === undefined || !/^[\w-]+(\.[\w-]+)*\.?$/.test(parts.host)) throw new Error(problem);
  const { host, port } = parts;
  // Of two labels, the second is a namespace, and nothing else.
  const hostname = /^[^.]+\.[^.]+$/.test(host) ? `${host}.svc` : host;
  if (isPort(port)) return targetOf(hostname, Number(port));
  if (!/^[a-z0-9-]*[a-z][a-z0-9-]*$/.test(port)) throw new Error(problem);
  return targetOf(`_${port}._tcp.${hostname}`, DEFAULT_PORT);
}

/** The name that servers are to show, and that calls carry: without a port where that is a name, for TLS knows none. */
export function kubeAuthority({ path }: GrpcUri): string {
  const { host, port } = splitPath(path) ?? { host: path, port: undefined };
  return port === undefined || isPort(port) ? path : host;
}

function targetOf(hostname: string, port: number): GrpcTarget {
  const name = isIP(hostname) === 0 ? `${hostname}:${port}` : formatAddress({ address: hostname, port });
  return { origin: `grpc://${name.toLowerCase()}`, hostname, port };
}

/** As grpc-js splits it, but for ports that are names. */
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
