/** The value of a header, if it is a string. @param name in lower case */
export function headerOf(headers: readonly unknown[] | null, name: string): string | undefined {
  const value = rawHeaderOf(headers, name);
  return typeof value === 'string' ? value : undefined;
}

/** The value of a header, in any form in which the caller gave it. */
export function rawHeaderOf(headers: readonly unknown[] | null, name: string): unknown {
  if (headers === null) return undefined;
  for (let n = 0; n < headers.length; n += 2) {
    const other = headers[n] as string;
    if (other.length === name.length && other.toLowerCase() === name) return headers[n + 1];
  }
  return undefined;
}
