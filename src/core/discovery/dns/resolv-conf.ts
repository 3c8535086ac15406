import { Resolver } from 'node:dns';

/** What evenkeel needs of resolv.conf(5). */
export interface ResolvConf {
  /** Each is `ip`, `ip:port` or `[ip]:port`, in the order in which they are asked. Empty: the file names none. */
  readonly servers: readonly string[];
  /** The domains in which a name is tried, in order. */
  readonly search: readonly string[];
  /** A name with at least so many dots is tried as it is before it is tried in the domains. */
  readonly ndots: number;
  /** After how many milliseconds a silent server is given up for this time. */
  readonly timeout: number;
  /** How often each server is asked. */
  readonly attempts: number;
  /** Whether each look-up begins with another server. */
  readonly rotate: boolean;
}

// glibc's limits. Its default for a silent server, 5 s, is too long for a waiting request.
const MAX_SERVERS = 3;
const LIMITS = { ndots: 15, timeout: 30, attempts: 5 };
const DEFAULTS = { ndots: 1, timeout: 2, attempts: 2 };

/** Variables that override the file. */
export interface ResolvVariables {
  readonly LOCALDOMAIN?: string | undefined;
  readonly RES_OPTIONS?: string | undefined;
}

/**
 * Reads resolv.conf as glibc does. `hostname` is the name of this machine: its domain is searched if the file names
 * none.
 */
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

// Skips servers that can't be asked. c-ares and macOS allow a port.
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
    // At least 1: nobody can be asked for no time, or never.
    if (name === 'timeout') found.timeout = Math.max(1, Math.min(Number(digits), LIMITS.timeout));
    if (name === 'attempts') found.attempts = Math.max(1, Math.min(Number(digits), LIMITS.attempts));
  }
  return found;
}
