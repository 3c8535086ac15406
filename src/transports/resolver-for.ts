import type { Settings } from '../config/settings.ts';
import { systemClock } from '../core/base/clock.ts';
import type { LookUpStep } from '../core/discovery/dns/look-up.ts';
import { ClusterNames } from '../core/discovery/kubernetes/cluster-names.ts';
import { type Place, thisPlace } from '../core/discovery/kubernetes/place.ts';
import type { Resolver } from '../core/discovery/resolver.ts';
import type { Trace } from '../core/discovery/trace.ts';

/** Resolvers that agents share, by all settings that they depend on. */
const shared = new Map<string, WeakRef<Resolver>>();

/**
 * The resolver for these settings. All agents of the process with the same settings share it, so that a name is looked
 * up once, and a Service is watched once.
 */
export function sharedResolverFor(settings: Settings): Resolver {
  const { discovery, dns, kubernetes, mesh, clock, random } = settings;
  if (typeof discovery === 'function' || clock !== systemClock || random !== Math.random) {
    return resolverFor(settings);
  }
  const { interfaces, ...place } = thisPlace();
  const name = JSON.stringify([discovery, dns, kubernetes, mesh, place]);
  const known = shared.get(name)?.deref();
  if (known !== undefined) return known;
  for (const [other, ref] of shared) if (ref.deref() === undefined) shared.delete(other);
  const resolver = resolverFor(settings, { ...place, interfaces });
  shared.set(name, new WeakRef(resolver));
  return resolver;
}

/** A resolver for these settings that nobody shares. A trace records how it finds its results. */
export function resolverFor(settings: Settings, place: Place = thisPlace(), trace?: Trace): Resolver {
  const { discovery, dns, kubernetes, clock, random } = settings;
  if (typeof discovery === 'function') return discovery;
  const { clusterDomain } = kubernetes;
  const names = loaded(async () => {
    const [{ namesResolver }, { DnsClient, sharedClient }] = await Promise.all([
      import('../core/discovery/names.ts'),
      import('../core/discovery/dns/dns-client.ts'),
    ]);
    const onStep = trace && ((step: LookUpStep) => trace.addStep(step));
    const options = { ...dns, clock, random, clusterDomain, resolvConfPath: place.resolvConf, onStep };
    // A trace has all its own questions, and none of other agents.
    const client = trace ? new DnsClient(options) : sharedClient(dns, options);
    return namesResolver(options, new ClusterNames(clusterDomain, place), client);
  });
  const cluster = place.apiHost ?? place.kubeconfig ?? kubernetes.kubeconfig;
  if (discovery === 'dns' || (discovery === 'auto' && cluster === undefined)) return names;
  return loaded(async () => {
    const [{ clusterResolver }, { transportFor }] = await Promise.all([
      import('../core/discovery/cluster.ts'),
      import('./kubernetes-api/transport.ts'),
    ]);
    return clusterResolver(names, settings, place, transportFor, trace);
  });
}

/** A resolver whose code is being loaded. */
function loaded(load: () => Promise<Resolver>): Resolver {
  const loading = load();
  // Whoever resolves a name will hear of the error.
  loading.catch(() => {});
  return async function* (target, signal) {
    const resolver = await loading;
    yield* resolver(target, signal);
  };
}
