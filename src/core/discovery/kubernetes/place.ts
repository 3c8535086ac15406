import { join } from 'node:path';
import { type Environment, environment } from '../../base/environment.ts';
import { homeDirectory, hostName, interfacesOfHost } from '../../base/host.ts';
import type { NetworkInterfaces } from '../dns/families.ts';

/** Where we run, as far as variables, files and the system tell. Tests put another place here. */
export interface Place {
  /** The API server's, in every pod: `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  readonly apiHost: string | undefined;
  readonly apiPort: string | undefined;
  /** The directory where the service account is mounted: `token`, `ca.crt` and `namespace`. */
  readonly serviceAccount: string;
  /** `KUBECONFIG`: paths of files. */
  readonly kubeconfig: string | undefined;
  /** The kubeconfig that is used when nobody names another; none for a user without a home. */
  readonly defaultKubeconfig: string | undefined;
  readonly resolvConf: string;
  /** A file with the pod's labels, from a `downwardAPI` volume. */
  readonly podLabels: string;
  /** Where the kernel lists listening sockets. */
  readonly procNet: string;
  /** Tells this client from others; all processes of a pod share it. */
  readonly hostname: string;
  readonly interfaces: NetworkInterfaces;
}

/** The place where this process runs. */
export function thisPlace(env: Environment = environment()): Place {
  const home = homeDirectory();
  return {
    apiHost: env.KUBERNETES_SERVICE_HOST || undefined,
    apiPort: env.KUBERNETES_SERVICE_PORT || undefined,
    serviceAccount: '/var/run/secrets/kubernetes.io/serviceaccount',
    kubeconfig: env.KUBECONFIG || undefined,
    defaultKubeconfig: home && join(home, '.kube', 'config'),
    resolvConf: '/etc/resolv.conf',
    podLabels: '/etc/podinfo/labels',
    procNet: '/proc/net',
    hostname: hostName(env),
    interfaces: interfacesOfHost(),
  };
}
