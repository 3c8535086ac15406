/** The value of a header, of whose name `name` is the lower case, if it is a text. */
export function headerOf(headers: readonly string[] | null, name: string): string | undefined {
  if (headers === null) return undefined;
  for (let n = 0; n < headers.length; n += 2) {
    const other = headers[n]!;
    if (other.length !== name.length || other.toLowerCase() !== name) continue;
    const value: unknown = headers[n + 1];
    return typeof value === 'string' ? value : undefined;
  }
  return undefined;
}
