import { localOnly } from '../../core/discovery/addresses.ts';
import type { DnsClientOptions } from '../../core/discovery/dns/dns-client.ts';
import type { ClusterNames } from '../../core/discovery/kubernetes/cluster-names.ts';
import type { Verdict } from './verdicts.ts';

/** Judges a host name. Rejects if the name leads nowhere, or if that can't be found out. */
export type NameJudge = (hostname: string) => Promise<Verdict>;

export interface NameJudgeOptions extends DnsClientOptions {
  readonly names: ClusterNames;
  /** Whether the agent may find names that DNS doesn't know. */
  readonly findsMore: boolean;
  /** A settings object that an agent has too: both share their look-ups. Default: none are shared. */
  readonly shared?: object | undefined;
  /** Aborts the look-ups. */
  readonly signal?: AbortSignal | undefined;
}

/** A judge for which a name is managed if it leads into the cluster, or only to loopback and private addresses. */
export function nameJudge({
  names,
  findsMore,
  shared,
  signal = new AbortController().signal,
  ...options
}: NameJudgeOptions): NameJudge {
  const client = import('../../core/discovery/dns/dns-client.ts').then(({ DnsClient, sharedClient }) =>
    shared === undefined ? new DnsClient(options) : sharedClient(shared, options),
  );
  // Those who ask will hear of the error.
  client.catch(() => {});
  return async (hostname) => {
    signal.throwIfAborted();
    if (names.explicit(hostname) !== undefined) return 'managed';
    const outcome = await (await client).ask(hostname, signal);
    if (outcome === undefined) throw signal.reason;
    if (outcome.name === 'absent' && findsMore) return 'managed';
    if (outcome.name !== 'found') throw outcome.error;
    const { addresses, match } = outcome;
    return localOnly(addresses) || match?.name.endsWith(`.${names.domain}`) ? 'managed' : 'foreign';
  };
}
