import type { Dispatcher } from 'undici';

/** The value of a header, of whose name `name` is the lower case. */
export function headerOf(headers: Dispatcher.DispatchOptions['headers'], name: string): string | undefined {
  if (!headers) return undefined;
  const is = (other: string): boolean => other.length === name.length && other.toLowerCase() === name;
  if (Array.isArray(headers)) {
    for (let i = 0; i < headers.length; i += 2) if (is(headers[i]!)) return headers[i + 1];
    return undefined;
  }
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  // An iterator that can be read once is left to undici.
  if ((entries[Symbol.iterator]() as unknown) === entries) return undefined;
  for (const [other, value] of entries as Iterable<[string, unknown]>) {
    if (is(other)) return typeof value === 'string' ? value : undefined;
  }
  return undefined;
}
