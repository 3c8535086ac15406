import type { Dispatcher } from 'undici';

type Headers = Dispatcher.DispatchOptions['headers'];
type Pairs = Iterable<[string, string | string[] | undefined]>;

/** Whether headers can be read but once, as those of a generator: for a request that may be sent more often, too few. */
export function isOneShot(headers: Headers): headers is Headers & Pairs {
  return typeof (headers as Partial<Iterator<unknown>> | null | undefined)?.next === 'function';
}

/** The same headers, as often as one likes. What reading them throws is thrown. */
export function readAll(headers: Pairs): Pairs {
  const pairs = [...headers];
  return { [Symbol.iterator]: () => pairs[Symbol.iterator]() };
}
