import { autoResolver } from './auto.ts';
import { besideMesh } from './beside-mesh.ts';
import { type ApiWay, openLate } from './kubernetes/api-way.ts';
import { ClusterNames } from './kubernetes/cluster-names.ts';
import { Kubernetes } from './kubernetes/kubernetes.ts';
import { MeshDetector } from './kubernetes/mesh.ts';
import type { Place } from './kubernetes/place.ts';
import { onceEach } from './kubernetes/warnings.ts';
import type { Resolver } from './resolver.ts';
import type { DiscoverySettings } from './settings.ts';
import type { Trace } from './trace.ts';

const START_SPREAD = 1_000;

/**
 * Extends a resolver that asks DNS, so that it sees the pods of a cluster, if this process runs in one or has a
 * kubeconfig.
 */
export function clusterResolver(
  dns: Resolver,
  { discovery, mesh, dns: { family, negativeHold }, kubernetes: settings, clock, random }: DiscoverySettings,
  place: Place,
  api: ApiWay,
  trace?: Trace,
): Resolver {
  const wanted = discovery === 'kubernetes';
  const warn = onceEach(trace?.warn);
  const choice = { kubeconfig: settings.kubeconfig, wanted, place };
  const open = api(choice);
  if (open === undefined && wanted) {
    warn(
      'EVENKEEL_KUBERNETES_UNREACHABLE',
      'there is no service account here and no kubeconfig, so evenkeel uses DNS',
    );
  }
  const names = new ClusterNames(settings.clusterDomain, place);
  let resolver = dns;
  // In a cluster, a way to the API may appear later, when the token is mounted.
  if (open !== undefined || place.apiHost !== undefined) {
    // If a request waits for Kubernetes, the first question is sent at once.
    const startSpread = wanted ? 0 : START_SPREAD;
    const kubernetes = new Kubernetes({
      open: open ?? (() => openLate(api, choice)),
      names,
      settings,
      family,
      place,
      clock,
      random,
      warn,
      startSpread,
      trace,
    });
    resolver = autoResolver({ dns, kubernetes, names, wanted, negativeHold, clock });
  }
  if (mesh === 'ignore' || place.apiHost === undefined) return resolver;
  return besideMesh({
    detector: new MeshDetector(place.procNet, clock),
    otherwise: resolver,
    dns,
    names,
    warn,
  });
}
