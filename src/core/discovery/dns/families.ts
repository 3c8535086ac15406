import { isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { isLoopback } from '../addresses.ts';

export type Family = 4 | 6;
export type NetworkInterfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Decides which address families are used: the one that the option names, or else those that this host can route. */
export class Families {
  readonly #order: readonly Family[];
  readonly #routes: ReadonlySet<Family>;
  readonly #loopback6: boolean;

  /** @param preferred comes first if the option leaves that open */
  constructor(option: 'auto' | Family, interfaces: NetworkInterfaces, preferred?: Family) {
    const infos = Object.values(interfaces).flatMap((list) => list ?? []);
    this.#routes = new Set(infos.filter(leadsOut).map(({ address }) => familyOf(address)));
    this.#loopback6 = infos.some(({ address }) => address === '::1');
    const usual = this.#routes.has(6) && !this.#routes.has(4) ? 6 : 4;
    this.#order = option !== 'auto' ? [option] : (preferred ?? usual) === 6 ? [6, 4] : [4, 6];
  }

  /** The families to ask for, in order, until one has addresses. `first` had some the last time. */
  startingWith(first: Family | undefined): Family[] {
    return this.#order.toSorted((a, b) => Number(b === first) - Number(a === first));
  }

  /**
   * The addresses of one family: the first one that this host can route, or else the first one. Loopback addresses of
   * both families stay together, because they are one host, and a server there may listen on either.
   */
  choose(addresses: readonly string[]): string[] {
    const wanted = addresses.filter((address) => this.#order.includes(familyOf(address)));
    const reachable = wanted.filter((address) => this.reaches(address));
    const candidates = reachable.length > 0 ? reachable : wanted;
    const family = this.#order.find((family) => candidates.some((address) => familyOf(address) === family));
    const chosen = candidates.filter((address) => familyOf(address) === family);
    return chosen.every(isLoopback) ? candidates.filter(isLoopback) : chosen;
  }

  /** Whether this host has a route to an address. If it has loopback interfaces only, nobody can tell. */
  reaches(address: string): boolean {
    const family = familyOf(address);
    if (isLoopback(address)) return family === 4 || this.#loopback6;
    return this.#routes.size === 0 || this.#routes.has(family);
  }
}

export function otherThan(family: Family): Family {
  return family === 4 ? 6 : 4;
}

export function familyOf(address: string): Family {
  return isIP(address) === 6 ? 6 : 4;
}

function leadsOut({ address, internal }: NetworkInterfaceInfo): boolean {
  // Every interface has a link-local IPv6 address, even without a route.
  return !internal && !address.startsWith('fe80:');
}
