import { isLoopback, isPrivate } from '../discovery/addresses.ts';
import { DnsClient, type DnsClientOptions } from '../discovery/dns/dns-client.ts';
import { explicitService } from '../discovery/kubernetes/match.ts';
import type { Verdict } from './verdicts.ts';

/** Judges a host name. Rejects when it leads nowhere, or that can't be found out. */
export type NameJudge = (hostname: string) => Promise<Verdict>;

export interface NameJudgeOptions extends DnsClientOptions {
  readonly clusterDomain: string;
  /** Whether the agent may find names that DNS doesn't know. */
  readonly findsMore: boolean;
}

/** Makes a judge to whom the names are managed that lead into the cluster, or to loopback and private addresses only. */
export function nameJudge({ clusterDomain, findsMore, ...options }: NameJudgeOptions): NameJudge {
  const client = new DnsClient(options);
  const { signal } = new AbortController();
  return async (hostname) => {
    if (explicitService(hostname, clusterDomain)) return 'managed';
    const outcome = await client.ask(hostname, signal);
    if (outcome?.name === 'absent' && findsMore) return 'managed';
    if (outcome?.name !== 'found') throw outcome!.error;
    const { addresses, match } = outcome;
    const local = addresses.every(({ address }) => isLoopback(address) || isPrivate(address));
    return local || match?.name.endsWith(`.${clusterDomain}`) ? 'managed' : 'foreign';
  };
}
