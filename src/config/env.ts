import { type Environment, environment } from '../core/base/environment.ts';
import { nearest } from './nearest.ts';

const PREFIX = 'EVENKEEL_';
/** Variables that belong to no option. */
export const SWITCHES: readonly string[] = [
  'EVENKEEL_DISABLED',
  'EVENKEEL_MODE',
  'EVENKEEL_OBSERVE_INTERVAL',
  'EVENKEEL_OBSERVE_FORMAT',
  'EVENKEEL_METRICS',
];
const OBSERVE = 'observe';
const IGNORED = 'evenkeel ignores it';
// If a Service has the name evenkeel, or evenkeel-something, every pod of its namespace gets these variables:
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
const OF_A_SERVICE = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

const warned = new Set<string>();

/** The name of the variable for an option. @param path the names that lead to the option: `['dns', 'maxTtl']` */
export function variableFor(path: readonly string[]): string {
  return PREFIX + path.map((name) => name.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_');
}

/** The text of a variable. An empty one counts as not set. */
export function read(env: Environment, variable: string): string | undefined {
  return env[variable] || undefined;
}

/**
 * Warns once about a variable, and says the consequence. Usually the variable is ignored, because a typo must not stop
 * a fleet.
 */
export function warn(message: string, consequence = IGNORED): void {
  const text = `${message}; ${consequence}`;
  if (warned.has(message) && (consequence === IGNORED || warned.has(text))) return;
  warned.add(message).add(text);
  process.emitWarning(text, { type: 'EvenkeelWarning', code: 'EVENKEEL_BAD_VARIABLE' });
}

/** Warns about variables that look like evenkeel's, but aren't. @param known the variables of options */
export function warnOfUnknown(env: Environment, known: readonly string[]): void {
  const names = [...known, ...SWITCHES];
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || names.includes(name) || serviceVariable(name)) continue;
    const meant = nearest(withoutPrefix(name), names.map(withoutPrefix));
    const hint = meant === undefined ? '' : ` (did you mean ${PREFIX}${meant}?)`;
    warn(`${name} is not a variable of evenkeel's${hint}`);
  }
  const mode = read(env, 'EVENKEEL_MODE');
  if (mode !== undefined && mode !== OBSERVE) warn(`EVENKEEL_MODE must be '${OBSERVE}', got '${mode}'`);
}

/** Whether `EVENKEEL_DISABLED` switches off the preload and `install()`. An unclear value switches off. */
export function isDisabled(env: Environment = environment()): boolean {
  return !['', '0', 'false'].includes(env.EVENKEEL_DISABLED ?? '');
}

/** Whether a variable is one that Kubernetes sets for a Service. */
export function serviceVariable(name: string): boolean {
  return OF_A_SERVICE.test(name);
}

function withoutPrefix(name: string): string {
  return name.slice(PREFIX.length);
}
