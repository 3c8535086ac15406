const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/** A text that is different for each object or function. */
export function identityOf(value: object): string {
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return `#${identity}`;
}
