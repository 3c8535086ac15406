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
  /** Asked instead of those in resolv.conf. Then the system's resolver, which would ask those, isn't used. */
  readonly servers: readonly string[] | undefined;
  readonly family: 'auto' | Family;
  /** Default: the domain in the search list, or `cluster.local`. */
  readonly clusterDomain?: string | undefined;
  /** Default `/etc/hosts`. */
  readonly hostsPath?: string;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConfPath?: string;
  readonly getaddrinfo?: Getaddrinfo | undefined;
  readonly networkInterfaces?: () => NetworkInterfaces;
  /** Called for each source that was asked. */
  readonly onStep?: ((step: LookUpStep) => void) | undefined;
}

/** A source that was asked for a name, and its answer. */
export interface LookUpStep {
  readonly source: Found['source'];
  /** The name that was asked for. */
  readonly name: string;
  /** Empty: the source doesn't know the name, or failed. */
  readonly addresses: readonly FoundAddress[];
  /** In milliseconds. */
  readonly ttl?: number | undefined;
  readonly error?: Error | undefined;
}

/** What is known about a name before it is looked up. */
export interface Known {
  readonly match?: Match | undefined;
  /** Whether the names before the match are asked for first. */
  readonly searches?: boolean;
  /** The address family that the name was turned to. */
  readonly preferred?: Family | undefined;
}

interface Unanswered extends Failed {
  /** The name with which the search ended; the host name itself if all names were tried. */
  readonly asked: string;
}

/** Finds out where names lead: from the hosts file, the name servers, or else the system's resolver. */
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
   * Looks up a host name in lower case. Never throws. `match`: the name that the name servers knew it by. While they
   * know it, the host name leads to no later name; and if the match was in the cluster, it never leads out of the cluster.
   * `preferred`: the address family to begin with, if both are possible. `onServers` is called when the name servers
   * have answered.
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
   * Looks up a name that was found before, with the same source, in one address family. It is absent also if this host
   * has no route to its addresses there. @throws an error if the name servers fail
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

  /** Traces the answer of another source than the name servers. */
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
        // If an earlier name could not be asked for, this is the best answer, but only for now.
        if (found !== undefined) return failure === undefined ? found : { ...found, provisional: true };
      } catch (error) {
        this.#options.onStep?.({ source: 'dns', name: asked, addresses: [], error: error as Error });
        // The name may exist in the cluster, or where it existed before. So no name after it may be taken instead.
        const ends = asked === match?.name || asked.endsWith(cluster);
        failure ??= { name: 'failed', error: error as Error, asked: ends ? asked : hostname };
        if (ends || signal.aborted) return { ...failure, error: error as Error, asked };
        // After silence, other domains aren't tried, but the name as it stands is, as in glibc.
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
 * The names to ask for, if one matched before. The match comes first, unless the names before it are tried again. A match in
 * the cluster is looked for nowhere else, and comes last if resolv.conf has other domains now.
 */
function candidates(names: readonly string[], matched: string, cluster: string, searches: boolean): string[] {
  const index = names.indexOf(matched);
  const later = names.slice(index + 1).filter((name) => !matched.endsWith(cluster) || name.endsWith(cluster));
  if (index === -1) return [...later, matched];
  const before = names.slice(0, index);
  return searches ? [...before, matched, ...later] : [matched, ...before, ...later];
}

function isSilence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ETIMEOUT' || code === 'ECONNREFUSED';
}

// Node drops the scope of a link-local server. c-ares keeps it when it reads resolv.conf itself.
function settable(servers: readonly string[]): readonly string[] {
  return servers.some((server) => server.includes('%')) ? [] : servers;
}

// RFC 6761, section 6.3: name servers are never asked for these names.
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
