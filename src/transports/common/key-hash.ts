import { hash } from '../../core/base/hash.ts';

/**
 * The hash of a request's key, for the policy `ring-hash`; -1 if it has none. Requests without a key don't belong
 * together: otherwise one pod would get all of them.
 *
 * @param value what the user's function returns, or the value of the header; of several values, the first counts
 */
export function keyHash(value: unknown): number {
  const text = typeof value === 'string' ? value : asText(value);
  return text === '' ? -1 : hash(text);
}

/** The text that a transport makes of a header value, so that the key is the same in any form. */
function asText(given: unknown): string {
  const value: unknown = Array.isArray(given) ? given[0] : given;
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return '';
  }
}
