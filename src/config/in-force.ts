import { isDeepStrictEqual } from 'node:util';
import { errors } from 'undici';
import type { Environment } from '../core/base/environment.ts';
import { CLIENT_TABLE } from './client-options.ts';
import { read, variableFor } from './env.ts';
import { boolean, type Kind } from './kinds.ts';
import { nearest } from './nearest.ts';
import type { BalancedAgentOptions } from './options.ts';
import type { Settings } from './settings.ts';
import { type Option, SWITCH, TABLE } from './table.ts';

/** One setting, and where it comes from. */
export interface SettingInForce {
  /** The name of the option, such as `dns.maxTtl`. */
  readonly name: string;
  /** Durations are in milliseconds. `undefined`: it depends, or there is none. */
  readonly value: unknown;
  readonly from: 'option' | 'variable' | 'default';
  /** Its variable; `undefined` if it can't be written as text. */
  readonly variable: string | undefined;
}

interface Entries {
  readonly [name: string]: Option<unknown> | Entries;
  readonly [SWITCH]?: true;
}

interface Leaf {
  readonly path: readonly string[];
  readonly kind: Kind<unknown>;
}

let leaves: Leaf[] | undefined;

/** All options, nested ones one by one. */
function allLeaves(): Leaf[] {
  leaves ??= [...leavesOf(TABLE as unknown as Entries, []), ...leavesOf(CLIENT_TABLE, [])];
  return leaves;
}

/** All settings, and whether each comes from `options`, from `env` or from the default. */
export function settingsInForce(
  settings: Settings,
  options: BalancedAgentOptions,
  env: Environment,
): SettingInForce[] {
  return allLeaves().flatMap(({ path, kind }) => {
    const value = path[0]! in CLIENT_TABLE ? at(settings.client, path) : at(settings, path);
    // If a group is switched off, it is listed once. If it is on, its parts are listed.
    const whole = path.length === 1 && isSwitch(path[0]!);
    if (whole !== (value === false) && (whole || isOff(settings, path))) return [];
    const variable = kind.fromText && variableFor(path);
    const given = at(options, path) !== undefined;
    const from = given ? 'option' : isFrom(variable, kind, env, value) ? 'variable' : 'default';
    return [{ name: path.join('.'), value, from, variable }];
  });
}

/**
 * Options from words such as `dns.maxTtl=5s`, with values as in variables.
 *
 * @throws undici's `InvalidArgumentError` if an option is unknown, or can't be written as text
 */
export function optionsFrom(words: readonly string[]): BalancedAgentOptions {
  const options = {};
  for (const word of words) {
    const [, name = word, text] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    const leaf = allLeaves().find(({ path }) => path.join('.') === name);
    if (leaf === undefined) {
      const meant = nearest(
        name,
        allLeaves().map(({ path }) => path.join('.')),
      );
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      throw new errors.InvalidArgumentError(`unknown option ${name}${hint}`);
    }
    if (leaf.kind.fromText === undefined || text === undefined) {
      throw new errors.InvalidArgumentError(`${name} can't be given like this; expected <option>=<value>`);
    }
    const value = leaf.kind.fromText(text);
    if (Number.isNaN(value)) {
      throw new errors.InvalidArgumentError(`${name} must be ${leaf.kind.accepts}, got '${text}'`);
    }
    put(options, leaf.path, value);
  }
  return options;
}

function leavesOf(entries: Entries, path: readonly string[]): Leaf[] {
  const own = entries[SWITCH] ? [{ path, kind: boolean() as Kind<unknown> }] : [];
  const nested = Object.entries(entries).flatMap(([name, entry]) =>
    isOption(entry) ? [{ path: [...path, name], kind: entry }] : leavesOf(entry, [...path, name]),
  );
  return [...own, ...nested];
}

function isOption(entry: Option<unknown> | Entries): entry is Option<unknown> {
  return typeof entry.parse === 'function';
}

function isSwitch(name: string): boolean {
  const entry = (TABLE as unknown as Entries)[name] as Entries | undefined;
  return entry?.[SWITCH] === true;
}

function isOff(settings: Settings, [first]: readonly string[]): boolean {
  return isSwitch(first!) && at(settings, [first!]) === false;
}

/** A value for people. If it may hold a secret (a TLS key, or the query of a path), only its kind is shown. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'none';
  if (typeof value === 'function') return 'a function';
  if (value === Number.POSITIVE_INFINITY) return 'no limit';
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'object' ? 'an object' : String(value).replace(/\?.*/s, '?\u2026');
}

/** Whether a variable is set, and its value was used. */
function isFrom(
  variable: string | undefined,
  kind: Kind<unknown>,
  env: Environment,
  value: unknown,
): boolean {
  const text = variable && read(env, variable);
  if (!text) return false;
  try {
    const parsed = kind.parse(kind.fromText!(text));
    return parsed !== undefined && isDeepStrictEqual(parsed, value);
  } catch {
    return false;
  }
}

function at(values: object, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    values,
  );
}

function put(options: Record<string, unknown>, [name, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) options[name!] = value;
  else put((options[name!] ??= {}) as Record<string, unknown>, rest, value);
}
