import { type Environment, environment } from '../core/base/environment.ts';
import { isDisabled, read, SWITCHES, serviceVariable, warn } from './env.ts';
import { nearest } from './nearest.ts';
import { VARIABLES } from './variables.ts';

/** What the preload and `install()` do. */
export type Mode = 'balance' | 'observe' | 'off';

export interface Switches {
  readonly mode: Mode;
  /** What is wrong with a variable that is nearly a switch. Then evenkeel stays off. */
  readonly problem?: string;
}

const PREFIX = 'EVENKEEL';
const OFF = ['', '0', 'false'];
/** Words that people use for a switch, and the switch that they mean. */
const WORDS = new Map([
  ['OFF', 'DISABLED'],
  ['OBSERVE', 'MODE'],
]);
const CONTRARY = ['ENABLED', 'ENABLE', 'ON'];
const CONTRARY_OFF = [...OFF.slice(1), 'no', 'off'];

/** The names of all variables, without the prefix and without all that is no letter. */
function allWords(): string[] {
  return [...VARIABLES, ...SWITCHES].map(wordOf);
}

/**
 * What the switches of the environment say. A variable that is nearly a switch switches evenkeel off, because somebody
 * set it on purpose.
 */
export function switchesIn(env: Environment): Switches {
  if (isDisabled(env)) return { mode: 'off' };
  const problem = Object.keys(env)
    .map((name) => problemWith(name, env[name] ?? ''))
    .find((found) => found !== undefined);
  if (problem !== undefined) return { mode: 'off', problem };
  const mode = read(env, 'EVENKEEL_MODE');
  if (mode === undefined) return { mode: 'balance' };
  if (mode === 'observe') return { mode };
  return { mode: 'off', problem: `EVENKEEL_MODE must be 'observe', got '${mode}'` };
}

/** What this process does, by its switches. Warns if one is misspelt. */
export function modeOfProcess(env = environment()): Mode {
  const { mode, problem } = switchesIn(env);
  if (problem !== undefined) warn(problem, 'evenkeel leaves everything as it was');
  return mode;
}

function problemWith(name: string, value: string): string | undefined {
  const word = wordOf(name);
  if (
    !name
      .toUpperCase()
      .replaceAll(/[^A-Z]/g, '')
      .startsWith(PREFIX)
  )
    return undefined;
  if (VARIABLES.includes(name) || SWITCHES.includes(name) || serviceVariable(name)) return undefined;
  const meant = CONTRARY.includes(word) ? 'DISABLED' : (WORDS.get(word) ?? nearest(word, allWords()));
  if (meant !== 'DISABLED' && meant !== 'MODE') return undefined;
  const switchesOff = CONTRARY.includes(word) ? CONTRARY_OFF.includes(value) : !OFF.includes(value);
  return switchesOff
    ? `${name} is not a variable of evenkeel's (did you mean ${PREFIX}_${meant}?)`
    : undefined;
}

function wordOf(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z]/g, '')
    .slice(PREFIX.length);
}
