import { errors } from 'undici';
import { type Environment, environment } from '../core/base/environment.ts';
import { CLIENT_TABLE, connectorOptions, NULLABLE, REPLACED } from './client-options.ts';
import { read, variableFor, warn, warnOfUnknown } from './env.ts';
import { idleOptions } from './idle-options.ts';
import { boolean } from './kinds.ts';
import { nearest } from './nearest.ts';
import type { BalancedAgentOptions, BalancingOptions } from './options.ts';
import type { ClientSettings, Settings } from './settings.ts';
import { type Option, SWITCH, TABLE } from './table.ts';
import { VARIABLES } from './variables.ts';

interface Entries {
  readonly [name: string]: Option<unknown> | Entries;
  readonly [SWITCH]?: true;
}

const ENTRIES = { ...TABLE, ...CLIENT_TABLE } as Entries;
const ENDPOINT_TIMEOUT = variableFor(['endpointTimeout']);
const CONNECT_TIMEOUT = variableFor(['connectTimeout']);
const POLICY = variableFor(['policy']);
const TTL_BOUNDS = ['EVENKEEL_DNS_MIN_TTL', 'EVENKEEL_DNS_MAX_TTL'];

/** How many milliseconds it may take to resolve a name, before it can be dialled. */
const RESOLUTION = 2_000;
/** For how many milliseconds Linux tries to connect: https://docs.kernel.org/networking/ip-sysctl.html, tcp_syn_retries */
const SYSTEM_DIAL = 131_000;

/** How many milliseconds a dial may take. */
function longestDial({ client, connectTimeout }: Settings): number {
  const own = typeof client.connect === 'object' ? client.connect?.timeout : undefined;
  return (own ?? connectTimeout) || SYSTEM_DIAL;
}

/**
 * The settings: from options, or else from variables, or else from defaults. evenkeel warns about a bad variable, and
 * ignores it.
 *
 * @throws undici's `InvalidArgumentError` if an option is unknown or isn't accepted
 */
export function resolveSettings(options: BalancedAgentOptions = {}, env = environment()): Settings {
  warnOfUnknown(env, VARIABLES);
  const values = resolve(ENTRIES, options, [], env);
  const own = Object.fromEntries(Object.keys(TABLE).map((name) => [name, values[name]]));
  const client = Object.entries(values).filter(([name, value]) => name in CLIENT_TABLE && value != null);
  const settings = { ...own, client: Object.fromEntries(client) as ClientSettings } as Settings;
  settings.newsTimeout = settings.endpointTimeout;
  settings.endpointTimeout = endpointTimeoutOf(settings, options, env);
  const { connect, ...others } = settings.client;
  const { family, autoSelectFamily, localAddress } = { ...others, ...connectorOptions(settings.client) };
  if (settings.dns.family === 'auto' && (family === 4 || family === 6)) settings.dns.family = family;
  // A connector of the user's may connect in its own way, and a local address has a family.
  const isOpen = typeof connect !== 'function' && localAddress == null;
  settings.comparesFamilies = isOpen && autoSelectFamily !== false;

  checkIdle(options, settings, env);
  if (hasNoKey(settings)) {
    const problem = "policy 'ring-hash' needs ringHash.header or ringHash.key, to know the key of a request";
    if (options.policy !== undefined) throw new errors.InvalidArgumentError(problem);
    warn(`${POLICY}: ${problem}`);
    return resolveSettings(options, { ...env, [POLICY]: undefined });
  }
  const { minTtl, maxTtl } = settings.dns;
  if (minTtl <= maxTtl) return settings;
  const problem = `dns.minTtl (${minTtl} ms) must not be above dns.maxTtl (${maxTtl} ms)`;
  const present = TTL_BOUNDS.filter((variable) => read(env, variable) !== undefined);
  if (present.length === 0) throw new errors.InvalidArgumentError(problem);
  warn(`${present.join(' and ')}: ${problem}`);
  return resolveSettings(options, {
    ...env,
    ...Object.fromEntries(present.map((name) => [name, undefined])),
  });
}

/** @throws if code sets an option that does nothing. For a variable, this warns */
function checkIdle(options: BalancedAgentOptions, settings: Settings, env: Environment): void {
  for (const { name, takes } of idleOptions(settings)) {
    const path = name.split('.');
    const [group, own] = path as [keyof BalancedAgentOptions, string];
    const given = (options[group] as Record<string, unknown> | undefined)?.[own];
    if (given !== undefined) throw new errors.InvalidArgumentError(`${name} does nothing without ${takes}`);
    const variable = variableFor(path);
    // The user has been warned already of a name that is no variable, such as that of an option which takes a function.
    const isSet = VARIABLES.includes(variable) && read(env, variable) !== undefined;
    if (isSet) warn(`${variable} does nothing without ${takes}`);
  }
}

function hasNoKey({ policy, ringHash }: Settings): boolean {
  return policy === 'ring-hash' && ringHash.header === undefined && ringHash.key === undefined;
}

/** The same for clients whose dials may take as long as the system allows, unless the user has set a time. */
export function withSystemDials(
  settings: Settings,
  options: BalancingOptions,
  env = environment(),
): Settings {
  const isSet = options.connectTimeout !== undefined || read(env, CONNECT_TIMEOUT) !== undefined;
  const dialled = isSet ? settings : { ...settings, connectTimeout: 0 };
  return { ...dialled, endpointTimeout: endpointTimeoutOf({ ...dialled, client: {} }, options, env) };
}

/** If nobody has set it, it is long enough for a dial. */
function endpointTimeoutOf(settings: Settings, options: BalancingOptions, env: Environment): number {
  const isSet = options.endpointTimeout !== undefined || read(env, ENDPOINT_TIMEOUT) !== undefined;
  const { newsTimeout } = settings;
  return isSet ? newsTimeout : Math.max(newsTimeout, longestDial(settings) + RESOLUTION);
}

function resolve(
  entries: Entries,
  given: unknown,
  path: string[],
  env: Environment,
): Record<string, unknown> {
  const options = checkNames(entries, given, path);
  const values = Object.entries(entries).map(([name, entry]) => {
    const value = options[name];
    const way = [...path, name];
    if (!isOption(entry)) return [name, resolveNested(entry, value, way, env)];
    if (value !== undefined) return [name, fromCode(entry, value, way.join('.'))];
    return [name, fromVariable(entry, variableFor(way), env) ?? entry.fallback];
  });
  return Object.fromEntries(values);
}

function resolveNested(entries: Entries, given: unknown, path: string[], env: Environment): unknown {
  if (entries[SWITCH] === undefined) return resolve(entries, given ?? {}, path, env);
  const on = given ?? fromVariable({ ...boolean(), fallback: true }, variableFor(path), env);
  return on === false ? false : resolve(entries, on === true ? {} : (on ?? {}), path, env);
}

function checkNames(entries: Entries, given: unknown, path: string[]): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const accepted = entries[SWITCH] ? 'an object, true or false' : 'an object';
    throw new errors.InvalidArgumentError(
      `${path.join('.') || 'options'} must be ${accepted}, got ${show(given)}`,
    );
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(entries, name)) continue;
    if (value === null && path.length === 0 && NULLABLE.includes(name)) continue;
    throw new errors.InvalidArgumentError(unknownOption(name, entries, path));
  }
  return given as Record<string, unknown>;
}

function unknownOption(name: string, entries: Entries, path: string[]): string {
  if (path.length === 0 && Object.hasOwn(REPLACED, name)) {
    return `unsupported ${name}, use ${REPLACED[name]} instead`;
  }
  const meant = nearest(name, Object.keys(entries));
  const hint = meant === undefined ? '' : `; did you mean ${[...path, meant].join('.')}?`;
  return `unknown option ${[...path, name].join('.')}${hint}`;
}

function fromCode(option: Option<unknown>, value: unknown, name: string): unknown {
  const parsed = option.parse(value);
  if (parsed === undefined) {
    throw new errors.InvalidArgumentError(`${name} must be ${option.accepts}, got ${show(value)}`);
  }
  return parsed;
}

function fromVariable(option: Option<unknown>, variable: string, env: Environment): unknown {
  const text = read(env, variable);
  if (option.fromText === undefined || text === undefined) return undefined;
  try {
    const parsed = option.parse(option.fromText(text));
    if (parsed === undefined) warn(`${variable} must be ${option.accepts}, got ${show(text)}`);
    return parsed;
  } catch (error) {
    // undici's own message about its option.
    warn(`${variable}: ${(error as Error).message}, got ${show(text)}`);
    return undefined;
  }
}

function isOption(entry: Option<unknown> | Entries): entry is Option<unknown> {
  return typeof entry.parse === 'function';
}

function show(value: unknown): string {
  // Not imported, because Node would load all that node:util needs, which takes half a megabyte.
  return process.getBuiltinModule('node:util').inspect(value, {
    depth: 0,
    maxArrayLength: 5,
    maxStringLength: 80,
    breakLength: Number.POSITIVE_INFINITY,
  });
}
