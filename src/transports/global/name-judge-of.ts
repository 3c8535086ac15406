import type { Settings } from '../../config/settings.ts';
import { hostName } from '../../core/base/host.ts';
import { ClusterNames } from '../../core/discovery/kubernetes/cluster-names.ts';
import { type NameJudge, nameJudge } from './name-judge.ts';

const RESOLV_CONF = '/etc/resolv.conf';

/**
 * The judge of host names for these settings. It shares its look-ups with all agents that have the same settings
 * object.
 */
export function nameJudgeOf(
  { dns, kubernetes, discovery, clock, random }: Settings,
  resolvConf = RESOLV_CONF,
  signal?: AbortSignal,
): NameJudge {
  const place = { resolvConf, hostname: hostName() };
  const names = new ClusterNames(kubernetes.clusterDomain, place);
  const findsMore = discovery !== 'auto' && discovery !== 'dns';
  const { clusterDomain } = kubernetes;
  return nameJudge({
    ...dns,
    clock,
    random,
    clusterDomain,
    names,
    findsMore,
    shared: dns,
    resolvConfPath: resolvConf,
    signal,
  });
}
