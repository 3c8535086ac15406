/** A host as a URL has it, but an IPv6 address without the brackets around it. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
