/** The value of a header, of whose name `name` is the lower case, if it is a text. */
export function headerOf(headers: readonly unknown[] | null, name: string): string | undefined {
  const value = rawHeaderOf(headers, name);
  return typeof value === 'string' ? value : undefined;
}

/** The same, as the caller gave it. */
export function rawHeaderOf(headers: readonly unknown[] | null, name: string): unknown {
  if (headers === null) return undefined;
  for (let n = 0; n < headers.length; n += 2) {
    const other = headers[n] as string;
    if (other.length === name.length && other.toLowerCase() === name) return headers[n + 1];
  }
  return undefined;
}
