import { lookup } from 'node:dns/promises';
import { networkInterfaces, hostname as ownHostname } from 'node:os';
import { Families, type Family, type NetworkInterfaces } from './families.ts';
import { addressesInHosts } from './hosts-file.ts';
import { ParsedFile } from './parsed-file.ts';
import { Query } from './query.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import { searchList } from './search-list.ts';
import { askForService, isServiceName } from './service-query.ts';
import { type Absent, type Failed, type Found, type Match, NotFoundError, type Verdict } from './verdict.ts';

export type Getaddrinfo = (name: string, family: 0 | Family) => Promise<readonly string[]>;

export interface LookUpOptions {
  /** To be asked in place of resolv.conf's; the system's resolver, which asks those, is left alone then. */
  readonly servers: readonly string[] | undefined;
  readonly family: 'auto' | Family;
  /** Default `/etc/hosts`. */
  readonly hostsPath?: string;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConfPath?: string;
  /** The addresses that the system's resolver has for a name; of both families if that is 0. */
  readonly getaddrinfo?: Getaddrinfo | undefined;
  readonly networkInterfaces?: () => NetworkInterfaces;
}

/** Finds out where names lead: by the hosts file, the name servers, or else the system's resolver. */
export class LookUp {
  readonly #options: LookUpOptions;
  readonly #hosts: ParsedFile<string>;
  readonly #resolvConf: ParsedFile<ResolvConf>;

  constructor(options: LookUpOptions) {
    const { hostsPath = '/etc/hosts', resolvConfPath = '/etc/resolv.conf' } = options;
    this.#options = options;
    this.#hosts = new ParsedFile(hostsPath, (text) => text.toLowerCase());
    this.#resolvConf = new ParsedFile(resolvConfPath, (text) => parseResolvConf(text, ownHostname()));
  }

  /**
   * Looks up a host name, given in lower case; never throws. `match` is the name that the name servers
   * knew it by: once there is one, the host name leads nowhere else, above all not out of a cluster.
   */
  async run(hostname: string, match: Match | undefined, signal: AbortSignal): Promise<Verdict> {
    const name = hostname.replace(/\.$/, '');
    const families = this.#families();
    const listed = families.choose(addressesInHosts(this.#hosts.read(), name));
    if (listed.length > 0) return found(listed, 'hosts');

    const verdict = await this.#askServers(hostname, families, match, signal);
    if (verdict.name === 'found' || match || isServiceName(name)) return verdict;
    if (isLocalhost(name)) return found(families.choose(['127.0.0.1', '::1']), 'localhost');
    return this.#askSystem(hostname, families, verdict);
  }

  async #askServers(
    hostname: string,
    families: Families,
    match: Match | undefined,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const conf = this.#resolvConf.read();
    const query = new Query({ ...conf, servers: this.#options.servers ?? settable(conf.servers) }, signal);
    try {
      for (const name of candidates(searchList(hostname, conf), match?.name)) {
        const records = isServiceName(name)
          ? await askForService(query, name, families, match?.family)
          : await query.addresses(name, families, match?.family);
        if (records)
          return { name: 'found', source: 'dns', ...records, match: { name, family: records.family } };
      }
      return { name: 'absent', error: new NotFoundError(hostname) };
    } catch (error) {
      // Ends the search: the name may well be in this domain, and must not be looked for in the next then.
      return { name: 'failed', error: error as Error };
    } finally {
      query.cancel();
    }
  }

  /** Asks the system, which may know of sources besides name servers, such as mDNS. */
  async #askSystem(hostname: string, families: Families, verdict: Absent | Failed): Promise<Verdict> {
    const { servers, family, getaddrinfo = systemAddresses } = this.#options;
    const { code, hostname: asked = hostname } = verdict.error as NodeJS.ErrnoException & {
      hostname?: string;
    };
    // A server that says nothing would say nothing to the system either, and hold one of libuv's few threads.
    if (servers || code === 'ETIMEOUT') return verdict;
    try {
      // After a failure only the name that failed: the system would walk the rest of the search list.
      const addresses = families.choose(await getaddrinfo(asked, family === 'auto' ? 0 : family));
      return addresses.length > 0 ? found(addresses, 'getaddrinfo') : verdict;
    } catch (error) {
      const undecided = (error as NodeJS.ErrnoException).code !== 'ENOTFOUND';
      return verdict.name === 'absent' && undecided ? { name: 'failed', error: error as Error } : verdict;
    }
  }

  #families(): Families {
    const { family, networkInterfaces: interfaces = networkInterfaces } = this.#options;
    try {
      return new Families(family, interfaces());
    } catch {
      // Some sandboxes forbid the question.
      return new Families(family, {});
    }
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

function found(addresses: readonly string[], source: Found['source']): Found {
  return { name: 'found', addresses: [...new Set(addresses)].map((address) => ({ address })), source };
}

async function systemAddresses(name: string, family: 0 | Family): Promise<string[]> {
  const addresses = await lookup(name, { all: true, family });
  return addresses.map(({ address }) => address);
}
