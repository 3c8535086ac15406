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
  // 1: a connection carries one request at a time. 0: it closes after one request.
  pipelining: oneOf(1, 0),
  socketPath: checked('socketPath', asText),
  strictContentLength: boolean(),
  tls: connector('tls'),
  useH2c: boolean(),
  useMilo: boolean(),
  webSocket: object('webSocket'),
};

/** Options of a connector that have more effect than on one socket. */
export interface ConnectorOptions {
  readonly servername?: string;
  readonly family?: number;
  readonly autoSelectFamily?: boolean;
  readonly localAddress?: string;
  readonly path?: string;
  readonly socketPath?: string;
}

/** undici's own options. They keep their names and meanings. For all of them, `null` means not set. */
export const CLIENT_TABLE: Record<string, Option<unknown>> = Object.fromEntries(
  Object.entries(KINDS).map(([name, kind]) => [
    name,
    { ...kind, parse: (value) => (value === null ? null : kind.parse(value)), fallback: undefined },
  ]),
);

/** Of the options below, those for which `null` means not set. */
export const NULLABLE: readonly string[] = ['clientTtl', 'maxRequestsPerClient'];

/** Options that undici's agents and Clients take, or took in the past, and that evenkeel has another name for. */
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

/** An option that undici checks when a Client is made. The Client is never used, and holds nothing. */
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

/** Options of a connector, or for `connect` a connector. */
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

/** An option in milliseconds. evenkeel also accepts a duration string. */
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

/** An option that is an object. undici checks some of its fields. */
function object(name: string): Kind<unknown> {
  const { parse } = checked(name);
  return {
    accepts: 'an object',
    parse: (value) => (isObject(value) ? parse(value) : undefined),
  };
}

/** The options that undici's connector would use. Those of `connect` override those of `tls`. */
export function connectorOptions(client: ClientSettings): ConnectorOptions {
  const { connect, tls } = client as { connect?: unknown; tls?: object };
  return { ...tls, ...(typeof connect === 'object' ? connect : undefined) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
