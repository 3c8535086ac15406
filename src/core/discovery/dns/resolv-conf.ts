import { Resolver } from 'node:dns';

/** What of resolv.conf(5) matters here. */
export interface ResolvConf {
  /** `ip`, `ip:port` or `[ip]:port`, the first to be asked first; none: not said. */
  readonly servers: readonly string[];
  /** Domains to try a name in, in order. */
  readonly search: readonly string[];
  /** A name with as many dots is tried as it is before it is tried in the domains. */
  readonly ndots: number;
  /** Milliseconds until a server that says nothing is given up for this time. */
  readonly timeout: number;
  /** How often each server is asked. */
  readonly attempts: number;
  /** Whether the servers are asked first by turns. */
  readonly rotate: boolean;
}

// glibc's limits. Its default for a silent server, 5 s, is too long to make a request wait.
const MAX_SERVERS = 3;
const LIMITS = { ndots: 15, timeout: 30, attempts: 5 };
const DEFAULTS = { ndots: 1, timeout: 2, attempts: 2 };

/** The variables that say otherwise than the file. */
export interface ResolvVariables {
  readonly LOCALDOMAIN?: string | undefined;
  readonly RES_OPTIONS?: string | undefined;
}

/** Reads resolv.conf as glibc does; `hostname` is this machine's, whose domain is searched when the file names none. */
export function parseResolvConf(
  text: string,
  hostname: string,
  { LOCALDOMAIN, RES_OPTIONS }: ResolvVariables = {},
): ResolvConf {
  const servers: string[] = [];
  const options = { ...DEFAULTS };
  let rotate = false;
  let search = domainOf(hostname);

  const lines = [text];
  if (LOCALDOMAIN) lines.push(`search ${LOCALDOMAIN}`);
  if (RES_OPTIONS) lines.push(`options ${RES_OPTIONS}`);
  for (const line of lines.join('\n').split('\n')) {
    const [keyword, ...values] = words(line);
    if (values.length === 0) continue;
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1).filter(isServer));
    if (keyword === 'domain') search = values.slice(0, 1);
    if (keyword === 'search') search = values;
    if (keyword === 'options') {
      Object.assign(options, numbers(values));
      rotate ||= values.includes('rotate');
    }
  }
  return {
    servers: servers.slice(0, MAX_SERVERS),
    search: search.map((domain) => domain.replace(/^\.|\.$/g, '').toLowerCase()),
    ndots: options.ndots,
    timeout: options.timeout * 1000,
    attempts: options.attempts,
    rotate,
  };
}

function words(line: string): string[] {
  return line
    .replace(/(^|\s)[#;].*/, '')
    .trim()
    .split(/\s+/);
}

function domainOf(hostname: string): string[] {
  const dot = hostname.indexOf('.');
  return dot === -1 ? [] : [hostname.slice(dot + 1)];
}

// What can't be asked is passed over. A port is c-ares's and macOS's addition.
function isServer(value: string): boolean {
  try {
    new Resolver().setServers([value]);
    return true;
  } catch {
    return false;
  }
}

function numbers(values: readonly string[]): Partial<typeof DEFAULTS> {
  const found: Partial<typeof DEFAULTS> = {};
  for (const value of values) {
    const [, name, digits] = /^(ndots|timeout|attempts):(\d+)$/.exec(value) ?? [];
    if (name === 'ndots') found.ndots = Math.min(Number(digits), LIMITS.ndots);
    // Nobody can be asked for no time, or never.
    if (name === 'timeout') found.timeout = Math.max(1, Math.min(Number(digits), LIMITS.timeout));
    if (name === 'attempts') found.attempts = Math.max(1, Math.min(Number(digits), LIMITS.attempts));
  }
  return found;
}
