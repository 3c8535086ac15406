/** What the option `hosts` says about a host name: balanced, not balanced, or nothing. */
export type HostRule = (hostname: string) => boolean | undefined;

/** The rule for some patterns. Patterns after a `!` win. If there are only such patterns, other names are left open. */
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

// Of the characters that `hosts` accepts, only these two have a meaning in a regular expression.
function toPattern(glob: string): RegExp {
  const name = glob.toLowerCase().replace(/\.$/, '');
  return new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
}
