import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AskingTransport } from './api.ts';
import type { Place } from './place.ts';

export interface TransportChoice {
  /** The `kubernetes.kubeconfig` option. */
  kubeconfig: string | undefined;
  /** Kubernetes was asked for, and not only hoped for. */
  wanted: boolean;
  place: Place;
}

/**
 * Chooses the way to the Kubernetes API: the kubeconfig of the option, or else the cluster we run in, or else
 * `KUBECONFIG`, or else, if wanted, the default kubeconfig. `undefined` when there's none of these.
 */
export function transportFor({ kubeconfig, wanted, place }: TransportChoice) {
  const { apiHost, apiPort = '443', serviceAccount, defaultKubeconfig } = place;
  if (kubeconfig !== undefined) return () => byKubeconfig(kubeconfig);
  if (apiHost !== undefined && existsSync(join(serviceAccount, 'token'))) {
    return () => inCluster(apiHost, apiPort, serviceAccount);
  }
  if (place.kubeconfig !== undefined) return () => byKubeconfig(place.kubeconfig as string);
  if (wanted && defaultKubeconfig !== undefined && existsSync(defaultKubeconfig)) {
    return () => byKubeconfig(defaultKubeconfig);
  }
  return undefined;
}

async function inCluster(host: string, port: string, serviceAccount: string): Promise<AskingTransport> {
  const { inClusterTransport } = await import('./in-cluster.ts');
  return inClusterTransport({ host, port, serviceAccount });
}

async function byKubeconfig(paths: string): Promise<AskingTransport> {
  const { kubeconfigTransport } = await import('./kubeconfig.ts');
  return kubeconfigTransport(paths);
}
