import { join } from 'node:path';
import { type Environment, environment } from '../../base/environment.ts';
import { homeDirectory, hostName, interfacesOfHost } from '../../base/host.ts';
import type { NetworkInterfaces } from '../dns/families.ts';

/** Where this process runs, as far as variables, files and the system tell. Tests use other places. */
export interface Place {
  /** The address of the API server, which every pod has in variables. */
  readonly apiHost: string | undefined;
  readonly apiPort: string | undefined;
  /** The directory where the service account is mounted: `token`, `ca.crt` and `namespace`. */
  readonly serviceAccount: string;
  /** `KUBECONFIG`: the paths of files. */
  readonly kubeconfig: string | undefined;
  /** The kubeconfig that is used if none is named; `undefined` for a user without a home. */
  readonly defaultKubeconfig: string | undefined;
  readonly resolvConf: string;
  /** A file with the pod's labels, from a `downwardAPI` volume. */
  readonly podLabels: string;
  /** The directory in which the kernel lists listening sockets. */
  readonly procNet: string;
  /** Tells this client from others. All processes of a pod have the same. */
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
