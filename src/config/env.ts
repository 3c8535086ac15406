import { type Environment, environment } from '../core/base/environment.ts';
import { nearest } from './nearest.ts';

const PREFIX = 'EVENKEEL_';
/** Those that belong to no option. */
export const SWITCHES: readonly string[] = [
  'EVENKEEL_DISABLED',
  'EVENKEEL_MODE',
  'EVENKEEL_OBSERVE_INTERVAL',
  'EVENKEEL_OBSERVE_FORMAT',
  'EVENKEEL_METRICS',
];
const OBSERVE = 'observe';
// A Service that is named evenkeel, or evenkeel-something, brings these into every pod of its namespace:
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
const OF_A_SERVICE = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

const warned = new Set<string>();

/** The name of the variable for an option, given the way to it: `['dns', 'maxTtl']`. */
export function variableFor(path: readonly string[]): string {
  return PREFIX + path.map((name) => name.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_');
}

/** The text of a variable; an empty one is as good as none. */
export function read(env: Environment, variable: string): string | undefined {
  return env[variable] || undefined;
}

/**
 * Says, once, what is wrong with a variable, and what follows from it: as a rule it is ignored, for a typo must
 * not take a fleet down.
 */
export function warn(message: string, consequence = 'ignored'): void {
  const text = `${message}; ${consequence}`;
  if (warned.has(message) && (consequence === 'ignored' || warned.has(text))) return;
  warned.add(message).add(text);
  process.emitWarning(text, { type: 'EvenkeelWarning', code: 'EVENKEEL_BAD_VARIABLE' });
}

/** Warns of variables that look like evenkeel's and are not: `known` has the options' variables. */
export function warnOfUnknown(env: Environment, known: readonly string[]): void {
  const names = [...known, ...SWITCHES];
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || names.includes(name) || serviceVariable(name)) continue;
    const meant = nearest(withoutPrefix(name), names.map(withoutPrefix));
    const hint = meant === undefined ? '' : `; did you mean ${PREFIX}${meant}?`;
    warn(`${name} is not a variable of evenkeel's${hint}`);
  }
  const mode = read(env, 'EVENKEEL_MODE');
  if (mode !== undefined && mode !== OBSERVE) warn(`EVENKEEL_MODE must be '${OBSERVE}', got '${mode}'`);
}

/** Whether `EVENKEEL_DISABLED` says that the preload and `install()` do nothing. When in doubt, it does. */
export function isDisabled(env: Environment = environment()): boolean {
  return !['', '0', 'false'].includes(env.EVENKEEL_DISABLED ?? '');
}

/** Whether a variable is one of those that a Service brings. */
export function serviceVariable(name: string): boolean {
  return OF_A_SERVICE.test(name);
}

function withoutPrefix(name: string): string {
  return name.slice(PREFIX.length);
}
