import type { Family } from './families.ts';

/** An address that a name leads to. It has a port and a weight if an SRV record says so. */
export interface FoundAddress {
  readonly address: string;
  readonly port?: number;
  readonly weight?: number;
}

/** The name that a look-up ended with. The next look-up begins with it. */
export interface Match {
  readonly name: string;
  readonly family: Family;
}

/** The result of a look-up. */
export type LookUpResult = Found | Absent | Failed;

export interface Found {
  readonly name: 'found';
  /** At least one, each with its port once. */
  readonly addresses: readonly FoundAddress[];
  readonly source: 'hosts' | 'dns' | 'localhost' | 'getaddrinfo';
  /** For how many milliseconds this is valid; `undefined`: the source doesn't say. */
  readonly ttl?: number;
  readonly match?: Match;
  /** Whether a name before the match could not be asked for. Then the match isn't remembered. */
  readonly provisional?: boolean;
}

/** The name certainly leads nowhere. */
export interface Absent {
  readonly name: 'absent';
  readonly error: Error;
}

/** Nobody knows where the name leads. */
export interface Failed {
  readonly name: 'failed';
  readonly error: Error;
}

export function found(source: Found['source'], addresses: readonly string[]): Found {
  return { name: 'found', source, addresses: [...new Set(addresses)].map((address) => ({ address })) };
}

/** The error for a name that leads nowhere, as `dns.lookup` of Node reports it. */
export class NotFoundError extends Error {
  /** UV_EAI_NONAME of libuv, the same on all platforms. */
  readonly errno = -3008;
  readonly code = 'ENOTFOUND';
  readonly syscall = 'getaddrinfo';
  readonly hostname: string;

  constructor(hostname: string) {
    super(`getaddrinfo ENOTFOUND ${hostname}`);
    this.hostname = hostname;
  }
}
