import type { Family } from './families.ts';

/** An address that a name leads to. Port and weight are there when an SRV record says so. */
export interface FoundAddress {
  readonly address: string;
  readonly port?: number;
  readonly weight?: number;
}

/** The name that a look-up ended with. The next one starts with it. */
export interface Match {
  readonly name: string;
  readonly family: Family;
}

/** What a look-up came to. */
export type LookUpResult = Found | Absent | Failed;

export interface Found {
  readonly name: 'found';
  /** One at least, each with its port once. */
  readonly addresses: readonly FoundAddress[];
  readonly source: 'hosts' | 'dns' | 'localhost' | 'getaddrinfo';
  /** Milliseconds for which this holds; `undefined`: the source does not say. */
  readonly ttl?: number;
  readonly match?: Match;
  /** A name that comes before the match could not be asked for: the match is not to be remembered. */
  readonly provisional?: boolean;
}

/** It is certain that the name leads nowhere. */
export interface Absent {
  readonly name: 'absent';
  readonly error: Error;
}

/** It is not known where the name leads. */
export interface Failed {
  readonly name: 'failed';
  readonly error: Error;
}

export function found(source: Found['source'], addresses: readonly string[]): Found {
  return { name: 'found', source, addresses: [...new Set(addresses)].map((address) => ({ address })) };
}

/** A name that leads nowhere, reported as Node's `dns.lookup` does. */
export class NotFoundError extends Error {
  /** libuv's UV_EAI_NONAME, the same on all platforms. */
  readonly errno = -3008;
  readonly code = 'ENOTFOUND';
  readonly syscall = 'getaddrinfo';
  readonly hostname: string;

  constructor(hostname: string) {
    super(`getaddrinfo ENOTFOUND ${hostname}`);
    this.hostname = hostname;
  }
}
