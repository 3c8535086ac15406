/**
 * The one URL that a command was given; `http:` where it has no scheme.
 *
 * @throws when there is none, or more than one, or something else
 */
export function webUrl(positionals: readonly string[]): URL {
  const [text = '', ...more] = positionals;
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (more.length > 0 || url === null || !['http:', 'https:'].includes(url.protocol) || url.port === '0') {
    throw new Error(
      `expected one URL such as http://orders.prod:8080/, got ${positionals.join(' ') || 'none'}`,
    );
  }
  return url;
}
