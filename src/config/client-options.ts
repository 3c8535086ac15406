import { Client, errors } from 'undici';
import { parseDuration } from './duration.ts';
import { asNumber, asText, boolean, duration, type Kind, oneOf } from './kinds.ts';
import type { ClientSettings } from './settings.ts';
import type { Option } from './table.ts';

const KINDS: Record<string, Kind<unknown>> = {
  allowH2: boolean(),
  autoSelectFamily: boolean(),
  autoSelectFamilyAttemptTimeout: timed('autoSelectFamilyAttemptTimeout'),
  bodyTimeout: timed('bodyTimeout'),
  connect: connector('connect'),
  connectionWindowSize: checked('connectionWindowSize', asNumber),
  eventSource: object('eventSource'),
  h2Options: object('h2Options'),
  headersTimeout: timed('headersTimeout'),
  initialWindowSize: checked('initialWindowSize', asNumber),
  keepAliveMaxTimeout: timed('keepAliveMaxTimeout'),
  keepAliveTimeout: timed('keepAliveTimeout'),
  keepAliveTimeoutThreshold: timed('keepAliveTimeoutThreshold'),
  localAddress: checked('localAddress', asText),
  maxCachedSessions: checked('maxCachedSessions', asNumber),
  maxConcurrentStreams: checked('maxConcurrentStreams', asNumber),
  maxHeaderSize: checked('maxHeaderSize', asNumber),
  maxResponseSize: checked('maxResponseSize', asNumber),
  pingInterval: timed('pingInterval'),
  // A request has a connection to itself; 0 closes it afterwards.
  pipelining: oneOf(1, 0),
  socketPath: checked('socketPath', asText),
  strictContentLength: boolean(),
  tls: connector('tls'),
  useH2c: boolean(),
  useMilo: boolean(),
  webSocket: object('webSocket'),
};

/** Options of a connector that decide more than how one socket is made. */
export interface ConnectorOptions {
  readonly servername?: string;
  readonly family?: number;
  readonly autoSelectFamily?: boolean;
  readonly localAddress?: string;
  readonly path?: string;
  readonly socketPath?: string;
}

/** undici's own options, which keep their names and meanings; `null` is as good as none to all of them. */
export const CLIENT_TABLE: Record<string, Option<unknown>> = Object.fromEntries(
  Object.entries(KINDS).map(([name, kind]) => [
    name,
    { ...kind, parse: (value) => (value === null ? null : kind.parse(value)), fallback: undefined },
  ]),
);

/** Those of the following for which `null` is as good as none. */
export const NULLABLE: readonly string[] = ['clientTtl', 'maxRequestsPerClient'];

/** What undici's agents and Clients take, or once took, and evenkeel has another name for. */
export const REPLACED: Record<string, string> = {
  factory: 'discovery, policy or connect',
  clientTtl: 'maxConnectionDuration',
  maxRequestsPerClient: 'maxRequestsPerConnection',
  keepAlive: 'pipelining=0',
  socketTimeout: 'headersTimeout & bodyTimeout',
  requestTimeout: 'headersTimeout & bodyTimeout',
  idleTimeout: 'keepAliveTimeout',
  maxKeepAliveTimeout: 'keepAliveMaxTimeout',
};

/** An option that undici checks when a Client is made: one that is never used, and holds nothing. */
function checked(name: string, fromText?: (text: string) => unknown): Kind<unknown> {
  return {
    accepts: 'what undici accepts',
    parse(value) {
      new Client('http://localhost', { [name]: value });
      return isObject(value) ? { ...value } : value;
    },
    ...(fromText && { fromText }),
  };
}

/** Options of a connector, or for `connect` one of one's own. */
function connector(name: string): Kind<unknown> {
  const { accepts, parse } = name === 'tls' ? object(name) : checked(name);
  return {
    accepts,
    parse(value) {
      if (isObject(value) && (value as { lookup?: unknown }).lookup != null) {
        throw new errors.InvalidArgumentError(`unsupported ${name}.lookup, use discovery instead`);
      }
      return parse(value);
    },
  };
}

/** One in milliseconds, which evenkeel takes as a duration string too. */
function timed(name: string): Kind<unknown> {
  const { parse } = checked(name);
  return {
    ...duration(),
    parse(value) {
      if (typeof value !== 'string') return parse(value);
      const milliseconds = parseDuration(value);
      return Number.isNaN(milliseconds) ? undefined : parse(milliseconds);
    },
  };
}

/** One that is an object, of which undici checks some members. */
function object(name: string): Kind<unknown> {
  const { parse } = checked(name);
  return {
    accepts: 'an object',
    parse: (value) => (isObject(value) ? parse(value) : undefined),
  };
}

/** The options that undici's connector would work with: those of `connect` go over those of `tls`. */
export function connectorOptions(client: ClientSettings): ConnectorOptions {
  const { connect, tls } = client as { connect?: unknown; tls?: object };
  return { ...tls, ...(typeof connect === 'object' ? connect : undefined) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
