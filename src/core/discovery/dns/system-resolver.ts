import { lookup } from 'node:dns/promises';
import { type Families, type Family, familyOf } from './families.ts';
import { type Absent, type Failed, found, type LookUpResult } from './look-up-result.ts';

/** The addresses that the system has for a name. `family` 0: both families. */
export type Getaddrinfo = (name: string, family: 0 | Family) => Promise<readonly string[]>;

/** The system's own resolver. It is asked last, because it may have other sources than name servers, such as mDNS. */
export class SystemResolver {
  readonly #getaddrinfo: Getaddrinfo;
  readonly #family: 0 | Family;

  constructor(family: 'auto' | Family, getaddrinfo: Getaddrinfo = systemAddresses) {
    this.#family = family === 'auto' ? 0 : family;
    this.#getaddrinfo = getaddrinfo;
  }

  /** Asks for a host name that the name servers don't know. */
  async afterAbsence(hostname: string, families: Families, result: Absent): Promise<LookUpResult> {
    try {
      const addresses = families.choose(await this.#getaddrinfo(hostname, this.#family));
      return addresses.length > 0 ? found('getaddrinfo', addresses) : result;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOTFOUND' ? result : { name: 'failed', error: error as Error };
    }
  }

  /**
   * Asks for a host name after the name servers failed. `asked` is the name with which the search ended; if it isn't
   * the host name, no later name may be taken for it.
   */
  async afterFailure(
    hostname: string,
    asked: string,
    families: Families,
    result: Failed,
  ): Promise<LookUpResult> {
    // If a server is silent, the system would wait for it too, and block one of libuv's few threads.
    if ((result.error as NodeJS.ErrnoException).code === 'ETIMEOUT') return result;
    try {
      // With the final dot, the system doesn't go on along the search list.
      const name = asked === hostname ? hostname : `${asked}.`;
      const addresses = families.choose(await this.#getaddrinfo(name, this.#family));
      const [address] = addresses;
      if (address === undefined) return result;
      const match = { name: asked, family: familyOf(address) };
      return { ...found('getaddrinfo', addresses), ...(asked !== hostname && { match }) };
    } catch {
      return result;
    }
  }
}

async function systemAddresses(name: string, family: 0 | Family): Promise<string[]> {
  const addresses = await lookup(name, { all: true, family });
  return addresses.map(({ address }) => address);
}
