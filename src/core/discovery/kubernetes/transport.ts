import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EvenkeelError } from '../../base/errors.ts';
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

/** There's no way to the Kubernetes API yet: the service account's token may be mounted later. */
export class NoTokenError extends EvenkeelError {
  override name = 'NoTokenError';

  constructor({ serviceAccount }: Place) {
    super('EVENKEEL_KUBERNETES_UNREACHABLE', `there is no service account's token in ${serviceAccount}`);
  }
}

/** Chooses the way anew each time that it is to be opened. @throws NoTokenError while there's none */
export async function openLate(choice: TransportChoice): Promise<AskingTransport> {
  const open = transportFor(choice);
  if (open === undefined) throw new NoTokenError(choice.place);
  return open();
}

async function inCluster(host: string, port: string, serviceAccount: string): Promise<AskingTransport> {
  const { inClusterTransport } = await import('./in-cluster.ts');
  return inClusterTransport({ host, port, serviceAccount });
}

async function byKubeconfig(paths: string): Promise<AskingTransport> {
  const { kubeconfigTransport } = await import('./kubeconfig.ts');
  return kubeconfigTransport(paths);
}
