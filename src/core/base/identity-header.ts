/** The response header in which `evenkeel/identify` puts a pod's name, and in which clients look for it by default. */
export const IDENTITY_HEADER = 'evenkeel-pod';

/** The header in which clients with these settings look for names of pods; `false`: in none. */
export function identityHeaderIn({ identityHeader, policy }: IdentitySettings): string | false {
  // With `ring-hash`, keys lead to connections. To look at names would change that, although nobody asked for it.
  return policy === 'ring-hash' && identityHeader === IDENTITY_HEADER ? false : identityHeader;
}

interface IdentitySettings {
  readonly identityHeader: string | false;
  readonly policy: unknown;
}
