/** The response header in which pods name themselves that `evenkeel/identify` sets, and clients know. */
export const IDENTITY_HEADER = 'evenkeel-pod';

/** The header in which clients with these settings look for the names of pods; `false`: in none. */
export function identityHeaderIn({ identityHeader, policy }: IdentitySettings): string | false {
  // Keys lead to connections there, and would to none if nobody asked for pods.
  return policy === 'ring-hash' && identityHeader === IDENTITY_HEADER ? false : identityHeader;
}

interface IdentitySettings {
  readonly identityHeader: string | false;
  readonly policy: unknown;
}
