import { isLoopback, isPrivate } from '../../core/discovery/addresses.ts';
import type { DnsClientOptions } from '../../core/discovery/dns/dns-client.ts';
import type { ClusterNames } from '../../core/discovery/kubernetes/cluster-names.ts';
import type { Verdict } from './verdicts.ts';

/** Judges a host name. Rejects when it leads nowhere, or that can't be found out. */
export type NameJudge = (hostname: string) => Promise<Verdict>;

export interface NameJudgeOptions extends DnsClientOptions {
  readonly names: ClusterNames;
  /** Whether the agent may find names that DNS doesn't know. */
  readonly findsMore: boolean;
  /** Settings in common with an agent, whose look-ups are shared; default: none are. */
  readonly shared?: object | undefined;
  /** Aborts what is being asked. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes a judge to whom the names are managed that lead into the cluster, or to loopback and private addresses only. */
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
  // Whoever asks hears of it.
  client.catch(() => {});
  return async (hostname) => {
    signal.throwIfAborted();
    if (names.explicit(hostname) !== undefined) return 'managed';
    const outcome = await (await client).ask(hostname, signal);
    if (outcome === undefined) throw signal.reason;
    if (outcome.name === 'absent' && findsMore) return 'managed';
    if (outcome.name !== 'found') throw outcome.error;
    const { addresses, match } = outcome;
    const local = addresses.every(({ address }) => isLoopback(address) || isPrivate(address));
    return local || match?.name.endsWith(`.${names.domain}`) ? 'managed' : 'foreign';
  };
}
