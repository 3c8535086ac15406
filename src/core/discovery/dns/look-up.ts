import { environment } from '../../base/environment.ts';
import { hostName, interfacesOfHost } from '../../base/host.ts';
import { clusterDomainOf, DEFAULT_DOMAIN } from '../kubernetes/match.ts';
import { Families, type Family, type NetworkInterfaces } from './families.ts';
import { addressesInHosts } from './hosts-file.ts';
import {
  type Absent,
  type Failed,
  type Found,
  type FoundAddress,
  found,
  type LookUpResult,
  type Match,
  NotFoundError,
} from './look-up-result.ts';
import { ParsedFile } from './parsed-file.ts';
import { Query } from './query.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import { searchList } from './search-list.ts';
import { askForService, isServiceName } from './service-query.ts';
import { type Getaddrinfo, SystemResolver } from './system-resolver.ts';

export interface LookUpOptions {
  /** To be asked in place of resolv.conf's; the system's resolver, which asks those, is left alone then. */
  readonly servers: readonly string[] | undefined;
  readonly family: 'auto' | Family;
  /** The cluster's; default: the one in the search list, or `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** Default `/etc/hosts`. */
  readonly hostsPath?: string;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConfPath?: string;
  readonly getaddrinfo?: Getaddrinfo | undefined;
  readonly networkInterfaces?: () => NetworkInterfaces;
  /** Hears of each source that was asked. */
  readonly onStep?: ((step: LookUpStep) => void) | undefined;
}

/** A source that was asked for a name, and what it answered. */
export interface LookUpStep {
  readonly source: Found['source'];
  /** The name as it was asked for. */
  readonly name: string;
  /** None: it doesn't know the name, or failed. */
  readonly addresses: readonly FoundAddress[];
  /** Milliseconds. */
  readonly ttl?: number | undefined;
  readonly error?: Error | undefined;
}

/** What is known of a name before it is looked up. */
export interface Known {
  readonly match?: Match | undefined;
  /** Whether names that come before the match are asked for first. */
  readonly searches?: boolean;
  /** The address family that it was turned to. */
  readonly preferred?: Family | undefined;
}

interface Unanswered extends Failed {
  /** The name that the search ended with; the host name itself if it went on to its end. */
  readonly asked: string;
}

/** Finds out where names lead: by the hosts file, the name servers, or else the system's resolver. */
export class LookUp {
  readonly #options: LookUpOptions;
  readonly #hosts: ParsedFile<string>;
  readonly #resolvConf: ParsedFile<ResolvConf>;
  readonly #system: SystemResolver | undefined;
  #lookUps = 0;

  constructor(options: LookUpOptions) {
    const { hostsPath = '/etc/hosts', resolvConfPath = '/etc/resolv.conf' } = options;
    this.#options = options;
    this.#hosts = new ParsedFile(hostsPath, (text) => text.toLowerCase());
    this.#resolvConf = new ParsedFile(resolvConfPath, (text) =>
      parseResolvConf(text, hostName(), environment()),
    );
    if (!options.servers) this.#system = new SystemResolver(options.family, options.getaddrinfo);
  }

  /**
   * Looks up a host name, given in lower case; never throws. `match` is the name that the name servers knew it by: while
   * they do, it leads to no name that comes later, and once that was one of the cluster, never out of it. `preferred` is
   * the address family to begin with, where that is open. `onServers` hears when the name servers have had their say.
   */
  async run(
    hostname: string,
    known: Known,
    signal: AbortSignal,
    onServers?: () => void,
  ): Promise<LookUpResult> {
    const name = hostname.replace(/\.$/, '');
    const families = this.#families(this.#options.family, known.preferred);
    const listed = families.choose(addressesInHosts(this.#hosts.read(), name));
    if (listed.length > 0) return this.#told(name, found('hosts', listed));
    this.#options.onStep?.({ source: 'hosts', name, addresses: [] });

    if (isLocalhost(name)) {
      return this.#told(name, found('localhost', families.choose(['127.0.0.1', '::1'])));
    }
    const result = await this.#askServers(hostname, known, families, signal);
    onServers?.();
    if (result.name === 'found' || isServiceName(name) || signal.aborted) return result;
    if (this.#system === undefined || (known.match && result.name === 'absent')) return result;
    if (result.name === 'absent') {
      return this.#told(name, await this.#system.afterAbsence(hostname, families, result));
    }
    const last = await this.#system.afterFailure(hostname, result.asked, families, result);
    return last === result ? result : this.#told(result.asked, last);
  }

  /**
   * Looks up a name that was found, by the same source, in one address family. It is absent, too, if it has only
   * addresses there to which this host has no way. Throws what name servers that fail to say do.
   */
  async turn(
    hostname: string,
    { source, match }: Found,
    family: Family,
    signal: AbortSignal,
  ): Promise<Found | Absent> {
    const families = this.#families(family);
    const absent: Absent = { name: 'absent', error: new NotFoundError(hostname) };
    let result: LookUpResult | undefined = absent;
    if (source === 'hosts') {
      const name = hostname.replace(/\.$/, '');
      result = found('hosts', families.choose(addressesInHosts(this.#hosts.read(), name)));
    } else if (source === 'dns' && match !== undefined) {
      result = await this.#askFor(this.#query(signal), match.name, families, family);
    } else if (source === 'getaddrinfo') {
      result = await this.#system?.afterAbsence(match?.name ?? hostname, families, absent);
    }
    if (result?.name !== 'found') return absent;
    return result.addresses.some(({ address }) => families.reaches(address)) ? result : absent;
  }

  /** Tells what another source than the name servers made of a name. */
  #told(name: string, result: LookUpResult): LookUpResult {
    const isFound = result.name === 'found';
    this.#options.onStep?.({
      source: isFound ? result.source : 'getaddrinfo',
      name,
      addresses: isFound ? result.addresses : [],
      error: result.name === 'failed' ? result.error : undefined,
    });
    return result;
  }

  async #askServers(
    hostname: string,
    { match, searches }: Known,
    families: Families,
    signal: AbortSignal,
  ): Promise<Found | Absent | Unanswered> {
    const conf = this.#resolvConf.read();
    const cluster = `.${this.#options.clusterDomain ?? clusterDomainOf(conf.search) ?? DEFAULT_DOMAIN}`;
    const query = this.#query(signal);
    const names = searchList(hostname, conf);
    let left = match === undefined ? names : candidates(names, match.name, cluster, searches === true);
    let failure: Unanswered | undefined;
    for (let asked = left.shift(); asked !== undefined; asked = left.shift()) {
      try {
        const found = await this.#askFor(query, asked, families, match?.family);
        // What comes after a name that nobody could say anything of is the best there is, but not for good.
        if (found !== undefined) return failure === undefined ? found : { ...found, provisional: true };
      } catch (error) {
        this.#options.onStep?.({ source: 'dns', name: asked, addresses: [], error: error as Error });
        // This name may well exist in the cluster, or where it did before: none after it must be taken for it.
        const ends = asked === match?.name || asked.endsWith(cluster);
        failure ??= { name: 'failed', error: error as Error, asked: ends ? asked : hostname };
        if (ends || signal.aborted) return { ...failure, error: error as Error, asked };
        // As glibc has it, other domains are not tried after silence, but the name is as it stands.
        if (isSilence(error)) left = left.filter((name) => name === hostname);
      }
    }
    return failure ?? { name: 'absent', error: new NotFoundError(hostname) };
  }

  #query(signal: AbortSignal): Query {
    const conf = this.#resolvConf.read();
    const servers = this.#options.servers ?? settable(conf.servers);
    return new Query({ ...conf, servers: conf.rotate ? this.#rotated(servers) : servers }, signal);
  }

  async #askFor(
    query: Query,
    name: string,
    families: Families,
    first: Family | undefined,
  ): Promise<Found | undefined> {
    const records = isServiceName(name)
      ? await askForService(query, name, families, first)
      : await query.addresses(name, families, first);
    const { addresses = [], ttl } = records ?? {};
    this.#options.onStep?.({ source: 'dns', name, addresses, ttl });
    if (records === undefined) return undefined;
    const { family } = records;
    return { name: 'found', source: 'dns', addresses, ttl: records.ttl, match: { name, family } };
  }

  /** Each look-up begins with the next server. */
  #rotated(servers: readonly string[]): readonly string[] {
    const start = this.#lookUps++ % Math.max(1, servers.length);
    return [...servers.slice(start), ...servers.slice(0, start)];
  }

  #families(option: 'auto' | Family, preferred?: Family): Families {
    return new Families(option, interfacesOfHost(this.#options.networkInterfaces), preferred);
  }
}

/**
 * The names to ask for when one matched before. That comes first, unless the ones before it are to be tried again. What
 * matched in the cluster is looked for nowhere else, and last where resolv.conf has other domains now.
 */
function candidates(names: readonly string[], matched: string, cluster: string, searches: boolean): string[] {
  const index = names.indexOf(matched);
  const isInCluster = matched.endsWith(cluster);
  if (index === -1) return [...names.filter((name) => !isInCluster || name.endsWith(cluster)), matched];
  const before = names.slice(0, index);
  const after = isInCluster ? [] : names.slice(index + 1);
  return searches ? [...before, matched, ...after] : [matched, ...before, ...after];
}

function isSilence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ETIMEOUT' || code === 'ECONNREFUSED';
}

// Node drops the scope of a link-local server, which c-ares, when it reads resolv.conf by itself, keeps.
function settable(servers: readonly string[]): readonly string[] {
  return servers.some((server) => server.includes('%')) ? [] : servers;
}

// RFC 6761, section 6.3: name servers are never asked for them.
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
