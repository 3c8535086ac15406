import { parseDuration } from './duration.ts';

/** A kind of value that an option takes. */
export interface Kind<T> {
  /** What is accepted, to be read after "must be". */
  readonly accepts: string;
  /** What the value comes to in the settings; `undefined` when it isn't accepted. */
  parse(value: unknown): T | undefined;
  /** What the text of a variable stands for. An option without this has no variable. */
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

/** Text as it is. */
export const asText = (text: string): string => text;

/** The number in a text; `Number` by itself takes blanks for 0. */
export const asNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** Milliseconds, at least `min` of them. */
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

/** One of some words or numbers. */
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

/** Strings that pass a test, one at least; separated by commas in a variable. */
export function list(what: string, isItem: (item: string) => boolean): Kind<readonly string[]> {
  const accepted = (item: unknown): boolean => typeof item === 'string' && isItem(item);
  return {
    accepts: `a list of ${what}`,
    parse: (value) =>
      Array.isArray(value) && value.length > 0 && value.every(accepted) ? [...value] : undefined,
    fromText: (text) => text.split(',').map((item) => item.trim()),
  };
}

/** A function, whose parameters and result are its author's word. */
export function functionOf<T>(what: string): Kind<T> {
  return {
    accepts: what,
    parse: (value) => (typeof value === 'function' ? (value as T) : undefined),
  };
}

/** What either of two kinds accepts. The text of a variable is one of the first. */
export function either<A, B>(first: Kind<A>, second: Kind<B>): Kind<A | B> {
  return {
    ...first,
    accepts: `${first.accepts}, or ${second.accepts}`,
    parse: (value) => first.parse(value) ?? second.parse(value),
  };
}
