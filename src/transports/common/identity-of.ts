const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/** A text for an object or a function that no other one has. */
export function identityOf(value: object): string {
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = ++lastIdentity;
    identities.set(value, identity);
  }
  return `#${identity}`;
}
