import { parseDuration } from './duration.ts';

/** A kind of value for options. */
export interface Kind<T> {
  /** What is accepted, worded to follow "must be". */
  readonly accepts: string;
  /** The value in the settings; `undefined` if it isn't accepted. */
  parse(value: unknown): T | undefined;
  /** The value for the text of a variable. An option without this method has no variable. */
  fromText?(text: string): unknown;
}

interface Range {
  min?: number;
  max?: number;
}

const BOOLEANS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** The text as it is. */
export const asText = (text: string): string => text;

/** The number in a text. (`Number` would make 0 of blanks.) */
export const asNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** A duration of at least `min` milliseconds. */
export function duration(min = 0): Kind<number> {
  const bound = min > 0 ? ` of at least ${min} ms` : '';
  return {
    accepts: `a duration${bound} (milliseconds, or like '500ms', '60s', '5m', '1h')`,
    parse(value) {
      const milliseconds = parseDuration(value);
      return milliseconds >= min ? milliseconds : undefined;
    },
    fromText: asText,
  };
}

export function number({ min = 0, max = Number.POSITIVE_INFINITY }: Range): Kind<number> {
  return {
    accepts: max === Number.POSITIVE_INFINITY ? `a number, ${min} or more` : `a number from ${min} to ${max}`,
    parse: (value) => (typeof value === 'number' && value >= min && value <= max ? value : undefined),
    fromText: asNumber,
  };
}

export function integer(range: Range): Kind<number> {
  const { accepts, parse } = number(range);
  return {
    accepts: accepts.replace('a number', 'an integer'),
    parse: (value) => (Number.isInteger(value) ? parse(value) : undefined),
    fromText: asNumber,
  };
}

export function boolean(): Kind<boolean> {
  return {
    accepts: 'true or false',
    parse: (value) => (typeof value === 'boolean' ? value : undefined),
    fromText: (text) => BOOLEANS.get(text.toLowerCase()),
  };
}

/** One of several words or numbers. */
export function oneOf<const T extends string | number>(...choices: T[]): Kind<T> {
  return {
    accepts: choices.map((choice) => (typeof choice === 'string' ? `'${choice}'` : choice)).join(' or '),
    parse: (value) => choices.find((choice) => choice === value),
    fromText: (text) => choices.find((choice) => String(choice) === text) ?? text,
  };
}

export function text(): Kind<string> {
  return {
    accepts: 'a string that is not empty',
    parse: (value) => (typeof value === 'string' && value.trim() !== '' ? value : undefined),
    fromText: asText,
  };
}

/** A list of at least one string, each of which passes a test. In a variable, commas separate them. */
export function list(what: string, isItem: (item: string) => boolean): Kind<readonly string[]> {
  const accepted = (item: unknown): boolean => typeof item === 'string' && isItem(item);
  return {
    accepts: `a list of ${what}`,
    parse: (value) =>
      Array.isArray(value) && value.length > 0 && value.every(accepted) ? [...value] : undefined,
    fromText: (text) => text.split(',').map((item) => item.trim()),
  };
}

/** A function. Its parameters and its result aren't checked. */
export function functionOf<T>(what: string): Kind<T> {
  return {
    accepts: what,
    parse: (value) => (typeof value === 'function' ? (value as T) : undefined),
  };
}

/** A value of either kind. The text of a variable is of the first kind. */
export function either<A, B>(first: Kind<A>, second: Kind<B>): Kind<A | B> {
  return {
    ...first,
    accepts: `${first.accepts}, or ${second.accepts}`,
    parse: (value) => first.parse(value) ?? second.parse(value),
  };
}
