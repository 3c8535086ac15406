/** https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2, and QUERY, whose draft says that it is idempotent. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** Whether a server may get a request with this method twice without harm. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a header has a value. */
export function isSaid(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isSaid);
  return value !== undefined && value !== null && String(value).trim() !== '';
}
