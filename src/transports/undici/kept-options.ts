import type { Dispatcher } from 'undici';

type Options = Dispatcher.DispatchOptions;

/**
 * A copy of the options of a request that waits for its dispatcher: its caller may change the objects, and use them for
 * the next request. The copy has the same form, because any dispatcher may get it. @throws what reading the headers
 * throws
 */
export function keptOptions(options: Options): Options {
  const { origin, headers, query } = options;
  const prototype = Object.getPrototypeOf(options) as object | null;
  const kept = Object.assign(Object.create(prototype) as Options, options);
  if (origin instanceof URL) kept.origin = new URL(origin);
  if (isObject(headers)) kept.headers = keptHeaders(headers) as NonNullable<Options['headers']>;
  if (isObject(query)) kept.query = keptValues(query);
  return kept;
}

function keptHeaders(headers: object): object {
  if (Array.isArray(headers)) return headers.map(keptValue);
  if (!(Symbol.iterator in headers)) return keptValues(headers);
  const pairs = Array.from(headers as Iterable<unknown>, (pair) =>
    Array.isArray(pair) ? pair.map(keptValue) : pair,
  );
  return { [Symbol.iterator]: () => pairs[Symbol.iterator]() };
}

/** Names and values. Several values of one name are an array. */
function keptValues<Values extends object>(values: Values): Values {
  const kept = { ...values };
  for (const [name, value] of Object.entries(kept)) {
    if (Array.isArray(value)) Object.assign(kept, { [name]: keptValue(value) });
  }
  return kept;
}

function keptValue(value: unknown): unknown {
  return Array.isArray(value) ? [...value] : value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
