import type { Client, Dispatcher } from 'undici';
import type { BoundSettings } from '../core/calls/settings.ts';
import type { ServiceSettings } from '../core/settings.ts';

/** What options and variables come to: checked, complete, durations in milliseconds. */
export interface Settings extends ServiceSettings {
  ringHash: RingHashSettings;
  /** Globs of the names that are managed, `!` excludes; `undefined`: not said. */
  hosts: readonly string[] | undefined;
  /** Whether requests of node:http are balanced, too, in all of the process. */
  http: boolean;
  /** Whether calls of grpc-js are balanced, too, in all of the process. */
  grpc: boolean;
  maxOrigins: number;
  /** `host:port` of the admin page; `false` and `undefined`: there is none. */
  admin: string | false | undefined;
  /** undici's own options, for the Clients. */
  client: ClientSettings;
}

export interface RingHashSettings extends BoundSettings {
  /** In lower case. */
  header: string | undefined;
  key: RequestKey | undefined;
}

/** What binds a request to an endpoint; `undefined`: nothing does. */
export type RequestKey = (options: Dispatcher.DispatchOptions) => string | undefined;

/** `pipelining` is 1, or 0: a connection carries one request. */
export type ClientSettings = Omit<Client.Options, 'connectTimeout' | 'maxRequestsPerClient'>;
