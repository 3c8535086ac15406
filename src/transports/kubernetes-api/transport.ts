import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AskingTransport } from '../../core/discovery/kubernetes/api.ts';
import type { ApiChoice } from '../../core/discovery/kubernetes/api-way.ts';

/**
 * Chooses the way to the Kubernetes API: the kubeconfig of the option; or else the cluster in which this process runs;
 * or else `KUBECONFIG`; or else, if wanted, the default kubeconfig. `undefined` if there is none of these.
 */
export function transportFor({ kubeconfig, wanted, place }: ApiChoice) {
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
