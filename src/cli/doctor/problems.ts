import { ApiError } from '../../core/discovery/kubernetes/api.ts';
import { grantCommand } from '../../core/discovery/kubernetes/grant.ts';
import { afterDial, afterRequest, codeOf, isUntrusted, said } from './errors.ts';
import type { EndpointSeen, Examination, KubernetesSeen } from './examination.ts';
import { type Checks, errorOf, isBlind, isSeen, lacksRights, nameOf } from './facts.ts';

/** The full name of a Service. Captures its cluster domain. */
const SERVICE = /^[^._][^.]*\.[^.]+\.svc\.(.+?)\.?$/;

const ASK_NAME_SERVERS =
  'do the DNS servers run, and may this pod ask them (a NetworkPolicy)? kubectl -n kube-system get pods -l k8s-app=kube-dns';

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
          ? 'only a cluster knows its names: run this in the pod of the app, with kubectl exec'
          : `are the name and the namespace right? kubectl get services --all-namespaces | grep ${url.hostname.split('.')[0]}`,
    };
  },

  'name-servers-failed'(examination) {
    const error = errorOf(examination);
    if (error === undefined || codeOf(error) === 'ENOTFOUND') return undefined;
    const servers = examination.names.servers.join(', ') || 'the DNS servers';
    return {
      cause: `${servers} could not look the name up: ${said(error)}`,
      next: ASK_NAME_SERVERS,
    };
  },

  'no-answer'({ resolution, url }) {
    if (resolution !== undefined) return undefined;
    return {
      cause: `evenkeel found out nothing about ${url.hostname} in time`,
      next: ASK_NAME_SERVERS,
    };
  },

  'api-refuses'({ kubernetes: { error } }) {
    if (!(error instanceof ApiError) || error.status === 403) return undefined;
    return {
      cause: `${said(error)}. So evenkeel has only DNS`,
      next:
        error.status === 401
          ? 'the token of the service account is not valid: is it from this cluster, and has it not expired?'
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
          : 'correct KUBECONFIG (or EVENKEEL_KUBERNETES_KUBECONFIG); to check it: kubectl config view --minify',
      };
    }
    if (isUntrusted(error)) {
      return {
        cause: `the Kubernetes API${at} shows a certificate that evenkeel doesn't trust: ${said(error)}. So evenkeel has only DNS`,
        next: 'is the CA from this cluster (ca.crt of the service account, or certificate-authority of the kubeconfig)? Does a proxy intercept TLS?',
      };
    }
    return {
      cause: `evenkeel can't reach the Kubernetes API${at}: ${said(error)}. So it has only DNS`,
      next: 'does it run, and may this pod connect to it (a NetworkPolicy)? kubectl get --raw /readyz; kubectl get networkpolicies --all-namespaces',
    };
  },

  'rights-missing'(examination) {
    const { kubernetes } = examination;
    if (!lacksRights(kubernetes) || !isBlind(examination)) return undefined;
    return {
      cause: `evenkeel can't see the pods of ${nameOf(kubernetes.service)}: DNS has one address for all of them, and evenkeel may not read EndpointSlices. So kube-proxy chooses a pod for each connection`,
      next: grantCommand(kubernetes.service!.namespace, kubernetes.account),
    };
  },

  'no-service-account'(examination) {
    const { way, service } = examination.kubernetes;
    if (way !== 'no-account' || !isBlind(examination)) return undefined;
    return {
      cause: `evenkeel can't see the pods of ${nameOf(service)}: DNS has one address for all of them, and this pod has no service account token, which the Kubernetes API asks for`,
      next: 'set automountServiceAccountToken: true in the pod, and grant its account the right: npx --no-install evenkeel rbac --help',
    };
  },

  'discovery-dns'(examination) {
    const { kubernetes, settings } = examination;
    const chosen = settings.find(({ name, value }) => name === 'discovery' && value === 'dns');
    if (chosen === undefined || !isBlind(examination) || lacksRights(kubernetes)) return undefined;
    return {
      cause: `evenkeel doesn't see the pods of ${nameOf(kubernetes.service)}: DNS has one address for all of them, and discovery is 'dns'`,
      next: `with discovery: 'auto', evenkeel reads EndpointSlices${chosen.from === 'variable' ? ' (unset EVENKEEL_DISCOVERY)' : ''}`,
    };
  },

  'no-kubeconfig'(examination) {
    const { way, service } = examination.kubernetes;
    if (way !== 'none' || !isBlind(examination)) return undefined;
    return {
      cause: `evenkeel can't see the pods of ${nameOf(service)}: DNS has one address for all of them, and without a kubeconfig evenkeel can't ask Kubernetes`,
      next: 'set KUBECONFIG, or the option kubernetes.kubeconfig; or run this in the pod of the app, with kubectl exec',
    };
  },

  'cluster-domain'({ names: { matched = '' }, kubernetes: { service }, settings }) {
    const [, domain] = SERVICE.exec(matched) ?? [];
    if (domain === undefined || service !== undefined) return undefined;
    const set = settings.find(({ name }) => name === 'kubernetes.clusterDomain')?.value;
    return {
      cause: `evenkeel doesn't take ${matched} for the name of a Service, because the cluster domain is ${set ?? 'another one'}`,
      next: `if ${domain} is the domain of this cluster: EVENKEEL_KUBERNETES_CLUSTER_DOMAIN=${domain}`,
    };
  },

  'port-unknown'({ kubernetes: { seen, service }, url }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'port-unknown')
      return undefined;
    const { spec } = seen.supply;
    const ports = spec.kind === 'cluster-ip' ? [...spec.ports.keys()].join(', ') : '';
    return {
      cause: `${nameOf(service)} has no TCP port ${portIn(url)}; it has ${ports || 'none'}. So evenkeel uses its ClusterIP`,
      next: `use one of the Service's ports in the URL, or add this one to the Service`,
    };
  },

  'node-unknown'({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'node-unknown')
      return undefined;
    return {
      cause: `${nameOf(service)} has internalTrafficPolicy: Local, and evenkeel doesn't know which node it runs on. So it uses the ClusterIP`,
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
        cause: `no pod can serve: ${nameOf(service)} has ${some(mismatched, 'ready endpoint')}, but none with its port ${portIn(url)}: no container port has the name of its targetPort`,
        next: `kubectl -n ${namespace} get service ${name} -o jsonpath='{.spec.ports}{"\\n"}'; kubectl -n ${namespace} get pods -o jsonpath='{.items[*].spec.containers[*].ports}{"\\n"}'`,
      };
    }
    if (elsewhere > 0 && isLocal(seen)) {
      return {
        cause: `no pod can serve: ${nameOf(service)} has internalTrafficPolicy: Local, and none of its ${elsewhere} ready endpoints is on this node`,
        next: 'run one on each node (a DaemonSet), or set internalTrafficPolicy: Cluster',
      };
    }
    const others = endpoints.length > 0 ? ` (${endpoints.length} not ready)` : '';
    return {
      cause: `no pod can serve: no endpoint is ready${others}`,
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
        cause: `evenkeel can connect to no pod of ${nameOf(service)} (${errors}), but to its ClusterIP ${instead.address}. So requests go there, and kube-proxy chooses a pod for each connection`,
        next: `does a NetworkPolicy allow only the Service? Has this machine a route to the pods? kubectl -n ${service?.namespace} get networkpolicies`,
      };
    }
    const others = instead === undefined ? '' : ', nor to the ClusterIP';
    const which =
      failed.length === dialled.length
        ? `evenkeel can connect to no endpoint${others}`
        : `evenkeel can't connect to ${failed.length} of ${some(dialled.length, 'endpoint')}`;
    return { cause: `${which}: ${errors}`, next: afterDial(url, first, first.error) };
  },

  'no-response'({ response, url }) {
    if (response?.error === undefined) return undefined;
    return {
      cause: `evenkeel connected, but got no response to a HEAD request: ${said(response.error)}`,
      next: afterRequest(url, response.error),
    };
  },

  'bad-variable'({ warnings }) {
    return warnings
      .filter(({ code }) => code === 'EVENKEEL_BAD_VARIABLE')
      .map(({ message }) => ({
        cause: message,
        next: 'correct the variable in the env of the pod',
      }));
  },
};

/** The finding for a Service that exists, although its name leads nowhere. */
function thereButNameless({ kubernetes: { service, seen }, names, url }: Examination) {
  if (service === undefined || !isSeen(seen)) return undefined;
  const { namespace, name } = service;
  const { spec } = seen.supply;
  if (spec.kind === 'alias') {
    return {
      cause: `the Service ${name} of namespace ${namespace} is an ExternalName for ${spec.hostname || 'no name'}, which leads to no address`,
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
  const servers = names.servers.join(', ') || 'the DNS servers';
  return {
    cause: `the Service ${name} of namespace ${namespace} is there, but ${servers} did not find its name, asked for ${url.hostname}: the DNS servers or the search list are not those of the cluster`,
    next: `cat /etc/resolv.conf; set dnsPolicy: ClusterFirst in the pod (with hostNetwork: ClusterFirstWithHostNet), or use the full name in the URL, ${name}.${namespace}.svc.cluster.local`,
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
