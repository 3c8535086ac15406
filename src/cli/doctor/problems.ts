import { ApiError } from '../../core/discovery/kubernetes/api.ts';
import { grantCommand } from '../../core/discovery/kubernetes/grant.ts';
import { afterDial, afterRequest, codeOf, isUntrusted, said } from './errors.ts';
import type { EndpointSeen, Examination, KubernetesSeen } from './examination.ts';
import { type Checks, errorOf, isBlind, isSeen, lacksRights, nameOf } from './facts.ts';

/** Of a Service's full name, the cluster domain. */
const SERVICE = /^[^._][^.]*\.[^.]+\.svc\.(.+?)\.?$/;

const ASK_NAME_SERVERS =
  'do the name servers run, and may this pod ask them (a NetworkPolicy)? kubectl -n kube-system get pods -l k8s-app=kube-dns';

/** What keeps requests from being served, or from being balanced by pod. */
export const PROBLEMS: Checks = {
  'name-not-found'(examination) {
    const { url, names, kubernetes } = examination;
    const error = errorOf(examination);
    if (error === undefined || codeOf(error) !== 'ENOTFOUND') return undefined;
    const there = thereButNameless(examination);
    if (there !== undefined) return there;
    const asked = names.steps.filter(({ source }) => source === 'dns').map(({ name }) => name);
    return {
      cause: `there is no such name: ${url.hostname} (asked for ${asked.join(', ')})${absence(kubernetes)}`,
      next:
        kubernetes.way === 'none'
          ? 'names of a cluster are known in it only: run this in the pod of the app, by kubectl exec'
          : `is it spelt right, and its namespace? kubectl get services --all-namespaces | grep ${url.hostname.split('.')[0]}`,
    };
  },

  'name-servers-failed'(examination) {
    const error = errorOf(examination);
    if (error === undefined || codeOf(error) === 'ENOTFOUND') return undefined;
    const servers = examination.names.servers.join(', ') || 'the name servers';
    return {
      cause: `the name could not be looked up at ${servers}: ${said(error)}`,
      next: ASK_NAME_SERVERS,
    };
  },

  'no-answer'({ resolution, url }) {
    if (resolution !== undefined) return undefined;
    return {
      cause: `nothing was found out about ${url.hostname} in time`,
      next: ASK_NAME_SERVERS,
    };
  },

  'api-refuses'({ kubernetes: { error } }) {
    if (!(error instanceof ApiError) || error.status === 403) return undefined;
    return {
      cause: `${said(error)}, so DNS is all there is to go by`,
      next:
        error.status === 401
          ? 'the service account’s token is not valid: is the mounted one that of this cluster, and not expired?'
          : 'is the API server well? kubectl get --raw /readyz?verbose',
    };
  },

  'api-unreachable'({ kubernetes: { error, api } }) {
    if (error === undefined || error instanceof ApiError) return undefined;
    const at = api ? ` at ${api}` : '';
    if (codeOf(error) === 'EVENKEEL_KUBECONFIG') {
      const isPackage = codeOf(error.cause as Error | undefined) === 'ERR_MODULE_NOT_FOUND';
      return {
        cause: said(error),
        next: isPackage
          ? 'npm install @kubernetes/client-node'
          : 'correct KUBECONFIG (or EVENKEEL_KUBERNETES_KUBECONFIG); what kubectl makes of it: kubectl config view --minify',
      };
    }
    if (isUntrusted(error)) {
      return {
        cause: `the Kubernetes API${at} shows a certificate that isn't trusted: ${said(error)}; so DNS is all there is to go by`,
        next: 'is the CA that of this cluster (ca.crt of the service account, or certificate-authority of the kubeconfig), and does no proxy break TLS open?',
      };
    }
    return {
      cause: `the Kubernetes API${at} can't be reached: ${said(error)}; so DNS is all there is to go by`,
      next: 'does it run, and may this pod connect to it (a NetworkPolicy)? kubectl get --raw /readyz; kubectl get networkpolicies --all-namespaces',
    };
  },

  'rights-missing'(examination) {
    const { kubernetes } = examination;
    if (!lacksRights(kubernetes) || !isBlind(examination)) return undefined;
    return {
      cause: `the pods of ${nameOf(kubernetes.service)} can't be seen: DNS has one address for all of them, and EndpointSlices may not be read. So kube-proxy chooses a pod per connection`,
      next: grantCommand(kubernetes.service!.namespace, kubernetes.account),
    };
  },

  'no-service-account'(examination) {
    const { way, service } = examination.kubernetes;
    if (way !== 'no-account' || !isBlind(examination)) return undefined;
    return {
      cause: `the pods of ${nameOf(service)} can't be seen: DNS has one address for all of them, and this pod has no service account token to ask Kubernetes with`,
      next: 'set automountServiceAccountToken: true in the pod, and grant its account the right: npx --no-install evenkeel rbac --help',
    };
  },

  'discovery-dns'(examination) {
    const { kubernetes, settings } = examination;
    const chosen = settings.find(({ name, value }) => name === 'discovery' && value === 'dns');
    if (chosen === undefined || !isBlind(examination) || lacksRights(kubernetes)) return undefined;
    return {
      cause: `the pods of ${nameOf(kubernetes.service)} are not seen: DNS has one address for all of them, and discovery is 'dns'`,
      next: `discovery: 'auto' has EndpointSlices read (${chosen.from === 'variable' ? 'unset ' : ''}EVENKEEL_DISCOVERY)`,
    };
  },

  'no-kubeconfig'(examination) {
    const { way, service } = examination.kubernetes;
    if (way !== 'none' || !isBlind(examination)) return undefined;
    return {
      cause: `the pods of ${nameOf(service)} can't be seen: DNS has one address for all of them, and Kubernetes can't be asked without a kubeconfig`,
      next: 'set KUBECONFIG, or the option kubernetes.kubeconfig; or run this in the pod of the app, by kubectl exec',
    };
  },

  'cluster-domain'({ names: { matched = '' }, kubernetes: { service }, settings }) {
    const [, domain] = SERVICE.exec(matched) ?? [];
    if (domain === undefined || service !== undefined) return undefined;
    const set = settings.find(({ name }) => name === 'kubernetes.clusterDomain')?.value;
    return {
      cause: `${matched} is not taken for the name of a Service, as the cluster domain is ${set ?? 'another'}`,
      next: `if ${domain} is that of this cluster: EVENKEEL_KUBERNETES_CLUSTER_DOMAIN=${domain}`,
    };
  },

  'port-unknown'({ kubernetes: { seen, service }, url }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'port-unknown')
      return undefined;
    const { spec } = seen.supply;
    const ports = spec.kind === 'cluster-ip' ? [...spec.ports.keys()].join(', ') : '';
    return {
      cause: `${nameOf(service)} has no TCP port ${portIn(url)}; it has ${ports || 'none'}. So its ClusterIP is used`,
      next: `use one of the Service's ports in the URL, or add this one to the Service`,
    };
  },

  'node-unknown'({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'node-unknown')
      return undefined;
    return {
      cause: `${nameOf(service)} has internalTrafficPolicy: Local, and the own node is not known. So its ClusterIP is used`,
      next: 'set EVENKEEL_KUBERNETES_NODE_NAME from the field spec.nodeName (valueFrom.fieldRef)',
    };
  },

  'no-endpoints'({ resolution, kubernetes: { seen, service }, endpoints, url }) {
    if (resolution === undefined || 'error' in resolution || resolution.endpoints.length > 0)
      return undefined;
    const count = (wanted: EndpointSeen['state']) => endpoints.filter(({ state }) => state === wanted).length;
    const { namespace = 'default', name = url.hostname } = service ?? {};
    const [elsewhere, mismatched] = [count('left out'), count('other port')];
    if (mismatched > 0) {
      return {
        cause: `there is nobody to serve: ${nameOf(service)} has ${some(mismatched, 'ready endpoint')}, but none with its port ${portIn(url)}: no container port is named like its targetPort`,
        next: `kubectl -n ${namespace} get service ${name} -o jsonpath='{.spec.ports}{"\\n"}'; kubectl -n ${namespace} get pods -o jsonpath='{.items[*].spec.containers[*].ports}{"\\n"}'`,
      };
    }
    if (elsewhere > 0 && isLocal(seen)) {
      return {
        cause: `there is nobody to serve: ${nameOf(service)} has internalTrafficPolicy: Local, and none of its ${elsewhere} ready endpoints is on this node`,
        next: 'run one on each node (a DaemonSet), or set internalTrafficPolicy: Cluster',
      };
    }
    const others = endpoints.length > 0 ? ` (${endpoints.length} not ready)` : '';
    return {
      cause: `there is nobody to serve: no endpoint is ready${others}`,
      next: `kubectl -n ${namespace} get pods; kubectl -n ${namespace} describe service ${name}`,
    };
  },

  'endpoints-unreachable'({ url, endpoints, kubernetes: { service } }) {
    const [instead] = endpoints.filter(({ state }) => state === 'ClusterIP');
    const dialled = endpoints.filter(({ dial, state }) => dial !== undefined && state !== 'ClusterIP');
    const failed = dialled.flatMap(({ dial, ...endpoint }) =>
      dial !== undefined && 'error' in dial ? [{ ...endpoint, error: dial.error }] : [],
    );
    const [first] = failed;
    if (first === undefined) return undefined;
    const errors = [...new Set(failed.map(({ error }) => said(error)))].slice(0, 2).join('; ');
    if (instead?.dial !== undefined && 'took' in instead.dial) {
      return {
        cause: `no pod of ${nameOf(service)} can be connected to (${errors}), but its ClusterIP ${instead.address} can. So requests go there, and kube-proxy chooses a pod per connection`,
        next: `does a NetworkPolicy allow the Service only, or has this machine no route to pods? kubectl -n ${service?.namespace} get networkpolicies`,
      };
    }
    const others = instead === undefined ? '' : ', nor can the ClusterIP';
    const which =
      failed.length === dialled.length
        ? `no endpoint can be connected to${others}`
        : `${failed.length} of ${some(dialled.length, 'endpoint')} can't be connected to`;
    return { cause: `${which}: ${errors}`, next: afterDial(url, first, first.error) };
  },

  'no-response'({ response, url }) {
    if (response?.error === undefined) return undefined;
    return {
      cause: `a connection is made, but no response came to a HEAD request: ${said(response.error)}`,
      next: afterRequest(url, response.error),
    };
  },

  'bad-variable'({ warnings }) {
    return warnings
      .filter(({ code }) => code === 'EVENKEEL_BAD_VARIABLE')
      .map(({ message }) => ({
        cause: message,
        next: 'correct the variable in the pod’s env; until then it is as if it were not set',
      }));
  },
};

/** What is there of a Service whose name leads nowhere. */
function thereButNameless({ kubernetes: { service, seen }, names, url }: Examination) {
  if (service === undefined || !isSeen(seen)) return undefined;
  const { namespace, name } = service;
  const { spec } = seen.supply;
  if (spec.kind === 'alias') {
    return {
      cause: `the Service ${name} of namespace ${namespace} is an ExternalName, which sends callers to ${spec.hostname || 'no name'}: that leads to no address`,
      next: `is that name right? kubectl -n ${namespace} get service ${name} -o jsonpath='{.spec.externalName}{"\\n"}'`,
    };
  }
  const isAsked = names.steps.some((step) => step.name.startsWith(`${name}.${namespace}.svc.`));
  if (spec.kind === 'headless' && isAsked) {
    return {
      cause: `the Service ${name} of namespace ${namespace} is there, but its name leads to no address: none of its pods is ready`,
      next: `kubectl -n ${namespace} describe service ${name}; kubectl -n ${namespace} get pods`,
    };
  }
  const servers = names.servers.join(', ') || 'the name servers';
  return {
    cause: `the Service ${name} of namespace ${namespace} is there, but its name was not found as ${url.hostname} at ${servers}: the name servers are not those of the cluster, or the search list is not`,
    next: `cat /etc/resolv.conf; the pod needs dnsPolicy: ClusterFirst (with hostNetwork: ClusterFirstWithHostNet), or the URL the full name, ${name}.${namespace}.svc.cluster.local`,
  };
}

function absence({ seen, service }: KubernetesSeen): string {
  if (seen !== 'absent' || service === undefined) return '';
  return `, and namespace ${service.namespace} has no Service ${service.name}`;
}

function isLocal(seen: KubernetesSeen['seen']): boolean {
  return isSeen(seen) && seen.supply.spec.kind === 'cluster-ip' && seen.supply.spec.local;
}

function portIn({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80');
}

function some(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
