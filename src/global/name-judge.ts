import { isLoopback, isPrivate } from '../discovery/addresses.ts';
import { DnsClient, type DnsClientOptions } from '../discovery/dns/dns-client.ts';
import type { Verdict } from './verdicts.ts';

/** Judges a host name. Rejects when it leads nowhere, or that can't be found out. */
export type NameJudge = (hostname: string) => Promise<Verdict>;

export interface NameJudgeOptions extends DnsClientOptions {
  /** The domain of the cluster, if there is one: `cluster.local`. */
  readonly clusterDomain: string | undefined;
}

/** Makes a judge to whom the names are managed that lead into the cluster, or to loopback and private addresses only. */
export function nameJudge({ clusterDomain, ...options }: NameJudgeOptions): NameJudge {
  const client = new DnsClient(options);
  const { signal } = new AbortController();
  return async (hostname) => {
    const outcome = await client.ask(hostname, signal);
    if (outcome?.name !== 'found') throw outcome!.error;
    const { addresses, match } = outcome;
    const inCluster = clusterDomain !== undefined && match?.name.endsWith(`.${clusterDomain}`) === true;
    const local = addresses.every(({ address }) => isLoopback(address) || isPrivate(address));
    return inCluster || local ? 'managed' : 'foreign';
  };
}
