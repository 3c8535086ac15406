import type { Client, Dispatcher } from 'undici';
import type { BoundSettings } from '../core/calls/settings.ts';
import type { ServiceSettings } from '../core/settings.ts';

/** Options and variables, checked and complete. Durations are in milliseconds. */
export interface Settings extends ServiceSettings {
  ringHash: RingHashSettings;
  /** Patterns of the host names that are managed; `!` excludes. `undefined`: not set. */
  hosts: readonly string[] | undefined;
  /** Whether evenkeel balances requests of node:http in the whole process too. */
  http: boolean;
  /** Whether evenkeel balances calls of grpc-js in the whole process too. */
  grpc: boolean;
  maxOrigins: number;
  /** `host:port` of the live page; `false` or `undefined`: there is none. */
  admin: string | false | undefined;
  /** undici's own options, for the Clients. */
  client: ClientSettings;
}

export interface RingHashSettings extends BoundSettings {
  /** In lower case. */
  header: string | undefined;
  key: RequestKey | undefined;
}

/** The function that returns the key of a request; `undefined`: the request has none. */
export type RequestKey = (options: Dispatcher.DispatchOptions) => string | undefined;

/** `pipelining` is 1; or 0, with which a connection carries one request. */
export type ClientSettings = Omit<Client.Options, 'connectTimeout' | 'maxRequestsPerClient'>;
