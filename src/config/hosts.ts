/** What the option `hosts` says of a host name: that it is balanced, that it isn't, or nothing. */
export type HostRule = (hostname: string) => boolean | undefined;

/** The rule that some globs make. Those after a `!` win; with nothing but those, they leave the rest open. */
export function hostRule(globs: readonly string[] = []): HostRule {
  const excluded = globs.filter((glob) => glob.startsWith('!')).map((glob) => toPattern(glob.slice(1)));
  const included = globs.filter((glob) => !glob.startsWith('!')).map(toPattern);
  return (hostname) => {
    const name = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
    if (excluded.some((pattern) => pattern.test(name))) return false;
    if (included.length === 0) return undefined;
    return included.some((pattern) => pattern.test(name));
  };
}

// Of the characters that `hosts` accepts, only these two mean something in a pattern.
function toPattern(glob: string): RegExp {
  const name = glob.toLowerCase().replace(/\.$/, '');
  return new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
}
