const NUMBER = /^[1-9]\d*$/;

/**
 * Whether version `a` is older than version `b`. Versions are decimal numbers of any length:
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions. Anything else isn't older or newer.
 */
export function isOlder(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || !NUMBER.test(a) || !NUMBER.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
