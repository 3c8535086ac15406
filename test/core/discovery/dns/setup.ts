import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { NetworkInterfaceInfo } from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type DnsResolverOptions, dnsResolver } from '../../../../src/core/discovery/dns/dns-resolver.ts';
import type { NetworkInterfaces } from '../../../../src/core/discovery/dns/families.ts';
import type { Resolution, Resolver, ResolveTarget } from '../../../../src/core/discovery/resolver.ts';
import { FakeClock } from '../../../support/clock.ts';
import { type DnsServer, startDnsServer } from '../../../support/dns-server.ts';

export type Endpoints = Exclude<Resolution, { error: Error }>;
export type Failure = Extract<Resolution, { error: Error }> & { error: NodeJS.ErrnoException };

export interface Setup {
  dns: DnsServer;
  clock: FakeClock;
  options: DnsResolverOptions;
  resolver: Resolver;
  /** Starts to follow a name, until the test ends. */
  follow(hostname: string, target?: Partial<ResolveTarget>): Following;
  /** Rewrites the hosts file. */
  hosts(text: string): void;
  /** Rewrites resolv.conf; `nameserver` lines are added. */
  resolvConf(text: string): void;
}

/** A resolver with files and a name server of its own. The clock stands still, and no time is jittered. */
export async function setUp(t: TestContext, options: Partial<DnsResolverOptions> = {}): Promise<Setup> {
  const dns = await startDnsServer(t);
  const clock = new FakeClock();
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-dns-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [hostsPath, resolvConfPath] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  const hosts = (text: string) => writeFileSync(hostsPath, text);
  const resolvConf = (text: string) => writeFileSync(resolvConfPath, `${text}\nnameserver ${dns.address}\n`);
  hosts('');
  resolvConf('search .');

  const all: DnsResolverOptions = {
    servers: undefined,
    minTtl: 1_000,
    maxTtl: 30_000,
    family: 'auto',
    negativeHold: 30_000,
    clock,
    random: () => 0,
    hostsPath,
    resolvConfPath,
    getaddrinfo: () => Promise.reject(Object.assign(new Error('nothing here'), { code: 'ENOTFOUND' })),
    networkInterfaces: () => interfaces('127.0.0.1', '::1', '10.0.0.1', 'fd00::9'),
    ...options,
  };
  const resolver = dnsResolver(all);
  const follow = (hostname: string, target: Partial<ResolveTarget> = {}) => {
    const following = new Following(resolver, { hostname, port: 80, protocol: 'http:', ...target });
    t.after(() => following.stop());
    return following;
  };
  t.after(() => assert.equal(clock.pending, 0, 'no timer is left'));
  return { dns, clock, options: all, resolver, follow, hosts, resolvConf };
}

/** One service's view of the resolver. */
export class Following {
  /** Says that none of the last resolution's endpoints can be connected to. */
  unreachable: (() => unknown) | undefined;
  /** Says that none of them has taken a connection for a while. */
  slow: (() => void) | undefined;
  readonly #abort = new AbortController();
  readonly #resolutions: AsyncIterator<Resolution>;

  constructor(resolver: Resolver, target: ResolveTarget) {
    this.#resolutions = resolver(target, this.#abort.signal)[Symbol.asyncIterator]();
  }

  /** Whether the resolver has ended. */
  async ended(): Promise<boolean> {
    return (await this.#resolutions.next()).done === true;
  }

  /** The next resolution, which has endpoints. */
  async next(): Promise<Endpoints> {
    const resolution = await this.#next();
    if ('error' in resolution) throw resolution.error;
    return resolution;
  }

  /** The next resolution, which is an error. */
  async failure(): Promise<Failure> {
    const resolution = await this.#next();
    assert.ok('error' in resolution, `endpoints came: ${JSON.stringify(resolution)}`);
    return resolution as Failure;
  }

  /** The next resolution's addresses, sorted. */
  async addresses(): Promise<string[]> {
    return addressesOf(await this.next());
  }

  stop(): void {
    this.#abort.abort();
  }

  async #next(): Promise<Resolution> {
    const { done, value } = await this.#resolutions.next();
    assert.ok(!done, 'the resolver ended');
    if ('error' in value) return value;
    const { onUnreachable, onSlow, ...resolution } = value;
    this.unreachable = onUnreachable;
    this.slow = onSlow;
    return resolution;
  }
}

export function addressesOf({ endpoints }: Endpoints): string[] {
  return endpoints.map(({ address }) => address).sort();
}

/** A host's network interfaces, as `os.networkInterfaces()` has them. */
export function interfaces(...addresses: string[]): NetworkInterfaces {
  return { eth0: addresses.map(network) };
}

function network(address: string): NetworkInterfaceInfo {
  const internal = address === '127.0.0.1' || address === '::1';
  const common = { address, internal, netmask: '', mac: '', cidr: null };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}
