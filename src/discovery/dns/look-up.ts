import { hostName, interfacesOfHost } from '../../host.ts';
import { Families, type Family, type NetworkInterfaces } from './families.ts';
import { addressesInHosts } from './hosts-file.ts';
import { ParsedFile } from './parsed-file.ts';
import { Query } from './query.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import { searchList } from './search-list.ts';
import { askForService, isServiceName } from './service-query.ts';
import { type Getaddrinfo, SystemResolver } from './system-resolver.ts';
import {
  type Absent,
  type Failed,
  type Found,
  type FoundAddress,
  found,
  type Match,
  NotFoundError,
  type Verdict,
} from './verdict.ts';

export interface LookUpOptions {
  /** To be asked in place of resolv.conf's; the system's resolver, which asks those, is left alone then. */
  readonly servers: readonly string[] | undefined;
  readonly family: 'auto' | Family;
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

interface Unanswered extends Failed {
  /** The name that the search ended with. */
  readonly asked: string;
}

/** Finds out where names lead: by the hosts file, the name servers, or else the system's resolver. */
export class LookUp {
  readonly #options: LookUpOptions;
  readonly #hosts: ParsedFile<string>;
  readonly #resolvConf: ParsedFile<ResolvConf>;
  readonly #system: SystemResolver | undefined;

  constructor(options: LookUpOptions) {
    const { hostsPath = '/etc/hosts', resolvConfPath = '/etc/resolv.conf' } = options;
    this.#options = options;
    this.#hosts = new ParsedFile(hostsPath, (text) => text.toLowerCase());
    this.#resolvConf = new ParsedFile(resolvConfPath, (text) => parseResolvConf(text, hostName()));
    if (!options.servers) this.#system = new SystemResolver(options.family, options.getaddrinfo);
  }

  /**
   * Looks up a host name, given in lower case; never throws. `match` is the name that the name servers
   * knew it by: once there is one, the host name leads nowhere else, above all not out of a cluster.
   */
  async run(hostname: string, match: Match | undefined, signal: AbortSignal): Promise<Verdict> {
    const name = hostname.replace(/\.$/, '');
    const families = this.#families();
    const listed = families.choose(addressesInHosts(this.#hosts.read(), name));
    if (listed.length > 0) return this.#told(name, found('hosts', listed));
    this.#options.onStep?.({ source: 'hosts', name, addresses: [] });

    const verdict = await this.#askServers(hostname, match, families, signal);
    if (verdict.name === 'found' || isServiceName(name) || signal.aborted) return verdict;
    if (!match && isLocalhost(name)) {
      return this.#told(name, found('localhost', families.choose(['127.0.0.1', '::1'])));
    }
    if (this.#system === undefined || (match && verdict.name === 'absent')) return verdict;
    if (verdict.name === 'absent') {
      return this.#told(name, await this.#system.afterAbsence(hostname, families, verdict));
    }
    const last = await this.#system.afterFailure(name, verdict.asked, families, verdict);
    return last === verdict ? verdict : this.#told(verdict.asked, last);
  }

  /** Tells what another source than the name servers made of a name. */
  #told(name: string, verdict: Verdict): Verdict {
    const isFound = verdict.name === 'found';
    this.#options.onStep?.({
      source: isFound ? verdict.source : 'getaddrinfo',
      name,
      addresses: isFound ? verdict.addresses : [],
      error: verdict.name === 'failed' ? verdict.error : undefined,
    });
    return verdict;
  }

  async #askServers(
    hostname: string,
    match: Match | undefined,
    families: Families,
    signal: AbortSignal,
  ): Promise<Found | Absent | Unanswered> {
    const conf = this.#resolvConf.read();
    const { onStep } = this.#options;
    const query = new Query({ ...conf, servers: this.#options.servers ?? settable(conf.servers) }, signal);
    let asked = hostname;
    try {
      for (asked of candidates(searchList(hostname, conf), match?.name)) {
        const records = isServiceName(asked)
          ? await askForService(query, asked, families, match?.family)
          : await query.addresses(asked, families, match?.family);
        const { addresses = [], ttl } = records ?? {};
        onStep?.({ source: 'dns', name: asked, addresses, ttl });
        if (records === undefined) continue;
        const { family } = records;
        return { name: 'found', source: 'dns', addresses, ttl: records.ttl, match: { name: asked, family } };
      }
      return { name: 'absent', error: new NotFoundError(hostname) };
    } catch (error) {
      onStep?.({ source: 'dns', name: asked, addresses: [], error: error as Error });
      // Ends the search: this name may well exist, and none after it must be taken for it.
      return { name: 'failed', error: error as Error, asked };
    }
  }

  #families(): Families {
    return new Families(this.#options.family, interfacesOfHost(this.#options.networkInterfaces));
  }
}

/** Without the names after the one that matched before; that one comes first. */
function candidates(names: readonly string[], matched: string | undefined): readonly string[] {
  if (matched === undefined) return names;
  return [matched, ...names.slice(0, Math.max(0, names.indexOf(matched)))];
}

// Node drops the scope of a link-local server, which c-ares, when it reads resolv.conf by itself, keeps.
function settable(servers: readonly string[]): readonly string[] {
  return servers.some((server) => server.includes('%')) ? [] : servers;
}

// RFC 6761, section 6.3.
function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
