import { isIP } from 'node:net';
import { hostRule } from '../../config/hosts.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import { isLoopback, isPrivate } from '../../core/discovery/addresses.ts';
import type { NameJudge } from './name-judge.ts';
import type { Judge } from './verdicts.ts';

export interface OwnershipOptions {
  /** The option `hosts`, which overrides all other rules. */
  readonly hosts: readonly string[] | undefined;
  /** Whether what was there before evenkeel keeps the requests to a URL. */
  readonly claims: (url: URL) => boolean;
  /** Judges host names that are no IP addresses. */
  readonly judgeName: NameJudge;
}

/**
 * Judges which origins an installed evenkeel manages: those that lead into the cluster or into private networks, unless
 * they belong to a proxy or a mock, or the option `hosts` says otherwise.
 */
export function ownership({ hosts, claims, judgeName }: OwnershipOptions): Judge {
  const rule = hostRule(hosts);
  return (origin) => {
    const url = URL.parse(origin);
    if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'foreign';
    const wanted = rule(url.hostname);
    if (wanted !== undefined) return wanted ? 'managed' : 'foreign';
    if (claims(url)) return 'foreign';
    const hostname = withoutBrackets(url.hostname);
    if (hostname === 'localhost') return 'managed';
    if (isIP(hostname) === 0) return judgeName(hostname);
    return isLoopback(hostname) || isPrivate(hostname) ? 'managed' : 'foreign';
  };
}
