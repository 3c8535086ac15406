// Follows a Service and prints what is found first; run by tests that want the process to end by itself then.
import { registerHooks } from 'node:module';
import { systemClock } from '../../../../src/core/base/clock.ts';
import { ClusterNames } from '../../../../src/core/discovery/kubernetes/cluster-names.ts';
import { Kubernetes } from '../../../../src/core/discovery/kubernetes/kubernetes.ts';
import { type Place, thisPlace } from '../../../../src/core/discovery/kubernetes/place.ts';
import { transportFor } from '../../../../src/transports/kubernetes-api/transport.ts';

interface Options {
  place: Partial<Place>;
  kubeconfig?: string;
}

const { place: facts, kubeconfig } = JSON.parse(process.argv[2] ?? '') as Options;

// As if the optional package were not installed, unless a kubeconfig is used.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== '@kubernetes/client-node' || process.argv[3] !== 'without-package') {
      return next(specifier, context);
    }
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' });
  },
});

const place: Place = { ...thisPlace({}), ...facts };
const settings = {
  kubeconfig,
  namespace: undefined,
  clusterDomain: undefined,
  zone: undefined,
  nodeName: undefined,
};
const kubernetes = new Kubernetes({
  open: transportFor({ kubeconfig, wanted: false, place })!,
  names: new ClusterNames(undefined, place),
  settings,
  family: 'auto',
  place,
  clock: systemClock,
  random: Math.random,
  warn: () => {},
  startSpread: 0,
});

const hold = setInterval(() => {}, 60_000);

async function follow(): Promise<void> {
  const target = { hostname: 'orders', port: 80, protocol: 'http:' } as const;
  const { signal } = new AbortController();
  for await (const finding of kubernetes.follow({ namespace: 'prod', name: 'orders' }, target, signal)) {
    const { resolution, error } = finding as { resolution?: { endpoints: unknown }; error?: Error };
    console.log(JSON.stringify(resolution?.endpoints ?? error?.message));
    clearInterval(hold);
  }
}

void follow();
