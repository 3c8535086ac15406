import { ApiError } from '../../discovery/kubernetes/api.ts';
import { grantCommand } from '../../discovery/kubernetes/grant.ts';
import type { ServiceName } from '../../discovery/kubernetes/match.ts';
import type { Diagnosis, EndpointSeen, Examination, Finding, KubernetesSeen } from './examination.ts';

type Check = (examination: Examination) => Finding | undefined;

/** Says what is wrong, what is good to know, and for each what to do next. */
export function diagnose(examination: Examination): Diagnosis {
  const found = (checks: readonly Check[]) => checks.flatMap((check) => check(examination) ?? []);
  return { problems: found(PROBLEMS), advice: found(ADVICE) };
}

const PROBLEMS: readonly Check[] = [
  function nameGone(examination) {
    const { url, names, kubernetes } = examination;
    const error = errorOf(examination);
    if (error === undefined || codeOf(error) !== 'ENOTFOUND') return undefined;
    const { service, seen } = kubernetes;
    if (service !== undefined && seen !== undefined && seen !== 'absent') {
      return {
        cause: `the Service ${service.name} of namespace ${service.namespace} is there, but its name leads to no address: none of its pods is ready`,
        next: `kubectl -n ${service.namespace} describe service ${service.name}; kubectl -n ${service.namespace} get pods`,
      };
    }
    const asked = names.steps.filter(({ source }) => source === 'dns').map(({ name }) => name);
    return {
      cause: `there is no such name: ${url.hostname} (asked for ${asked.join(', ')})${absence(kubernetes)}`,
      next:
        kubernetes.way === 'none'
          ? 'names of a cluster are known in it only: run this in the pod of the app, by kubectl exec'
          : `is it spelt right, and its namespace? kubectl get services --all-namespaces | grep ${url.hostname.split('.')[0]}`,
    };
  },

  function namesUnknown(examination) {
    const error = errorOf(examination);
    if (error === undefined || codeOf(error) === 'ENOTFOUND') return undefined;
    const servers = examination.names.servers.join(', ') || 'the name servers';
    return {
      cause: `the name could not be looked up at ${servers}: ${error.message}`,
      next: 'do the name servers run, and may this pod ask them (a NetworkPolicy)? kubectl -n kube-system get pods -l k8s-app=kube-dns',
    };
  },

  function noWord({ resolution, url }) {
    if (resolution !== undefined) return undefined;
    return {
      cause: `nothing was found out about ${url.hostname} in time`,
      next: 'are the name servers within reach?',
    };
  },

  function apiRefuses({ kubernetes: { error } }) {
    if (!(error instanceof ApiError) || error.status === 403) return undefined;
    return {
      cause: `${error.message}, so DNS is all there is to go by`,
      next:
        error.status === 401
          ? 'the service account’s token is not valid: is the mounted one that of this cluster, and not expired?'
          : 'what do the logs of the API server say?',
    };
  },

  function apiDown({ kubernetes: { error, api } }) {
    if (error === undefined || error instanceof ApiError) return undefined;
    if (codeOf(error) === 'EVENKEEL_KUBECONFIG') {
      return { cause: error.message, next: 'see the option kubernetes.kubeconfig' };
    }
    return {
      cause: `the Kubernetes API${api ? ` at ${api}` : ''} can't be reached: ${error.message || codeOf(error)}; so DNS is all there is to go by`,
      next: 'does it run, and may this pod connect to it (a NetworkPolicy)? It is asked again by itself',
    };
  },

  function rightsMissing(examination) {
    const { kubernetes } = examination;
    if (!lacksRights(kubernetes) || !isBlind(examination)) return undefined;
    return {
      cause: `the pods of ${nameOf(kubernetes.service)} can't be seen: DNS has one address for all of them, and EndpointSlices may not be read. So kube-proxy chooses a pod per connection`,
      next: grantCommand(kubernetes.service!.namespace, kubernetes.account),
    };
  },

  function noAccount(examination) {
    const { way, service } = examination.kubernetes;
    if (way !== 'no-account' || !isBlind(examination)) return undefined;
    return {
      cause: `the pods of ${nameOf(service)} can't be seen: DNS has one address for all of them, and this pod has no service account token to ask Kubernetes with`,
      next: 'set automountServiceAccountToken: true in the pod, and grant its account the right: npx evenkeel rbac --help',
    };
  },

  function hiddenByChoice(examination) {
    const { kubernetes, settings } = examination;
    const chosen = settings.find(({ name, value }) => name === 'discovery' && value === 'dns');
    if (chosen === undefined || !isBlind(examination) || lacksRights(kubernetes)) return undefined;
    return {
      cause: `the pods of ${nameOf(kubernetes.service)} are not seen: DNS has one address for all of them, and discovery is 'dns'`,
      next: `discovery: 'auto' has EndpointSlices read (${chosen.from === 'variable' ? 'unset ' : ''}EVENKEEL_DISCOVERY)`,
    };
  },

  function noKubeconfig(examination) {
    const { way, service } = examination.kubernetes;
    if (way !== 'none' || !isBlind(examination)) return undefined;
    return {
      cause: `the pods of ${nameOf(service)} can't be seen: DNS has one address for all of them, and Kubernetes can't be asked without a kubeconfig`,
      next: 'set KUBECONFIG, or the option kubernetes.kubeconfig; or run this in the pod of the app, by kubectl exec',
    };
  },

  function portUnknown({ kubernetes: { seen, service }, url }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'port-unknown')
      return undefined;
    const { spec } = seen.supply;
    const ports = spec.kind === 'cluster-ip' ? [...spec.ports.keys()].join(', ') : '';
    return {
      cause: `${nameOf(service)} has no TCP port ${url.port || (url.protocol === 'https:' ? 443 : 80)}; it has ${ports || 'none'}. So its ClusterIP is used`,
      next: `use one of the Service's ports in the URL, or add this one to the Service`,
    };
  },

  function nodeUnknown({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'node-unknown')
      return undefined;
    return {
      cause: `${nameOf(service)} has internalTrafficPolicy: Local, and the own node is not known. So its ClusterIP is used`,
      next: 'set EVENKEEL_KUBERNETES_NODE_NAME from the field spec.nodeName (valueFrom.fieldRef)',
    };
  },

  function nobody({ resolution, kubernetes: { service }, endpoints }) {
    if (resolution === undefined || 'error' in resolution || resolution.endpoints.length > 0)
      return undefined;
    const others = endpoints.length > 0 ? ` (${endpoints.length} not ready)` : '';
    const where = service ? `-n ${service.namespace} ` : '';
    return {
      cause: `there is nobody to serve: no endpoint is ready${others}`,
      next: `kubectl ${where}get pods; kubectl ${where}describe service ${service?.name ?? ''}`.trim(),
    };
  },

  function undialled({ endpoints }) {
    const dialled = endpoints.filter(({ dial }) => dial !== undefined);
    const failed = dialled.filter(({ dial }) => dial !== undefined && 'error' in dial);
    if (failed.length === 0) return undefined;
    const errors = new Set(failed.map((endpoint) => errorOfDial(endpoint).message));
    const which =
      failed.length === dialled.length
        ? 'no endpoint can be connected to'
        : `${failed.length} of ${dialled.length} endpoints can't be connected to`;
    return {
      cause: `${which}: ${[...errors].slice(0, 2).join('; ')}`,
      next: adviceFor(errorOfDial(failed[0]!)),
    };
  },

  function noResponse({ response }) {
    if (response?.error === undefined) return undefined;
    return {
      cause: `a connection is made, but no response came to a HEAD request: ${response.error.message}`,
      next: 'does the server speak HTTP on this port, or should the URL begin with https:?',
    };
  },

  function badVariables({ warnings }) {
    const bad = warnings.filter(({ code }) => code === 'EVENKEEL_BAD_VARIABLE');
    if (bad.length === 0) return undefined;
    return {
      cause: bad.map(({ message }) => message).join('; '),
      next: 'correct the variable; until then the default holds',
    };
  },
];

const ADVICE: readonly Check[] = [
  function switchedOff({ switches }) {
    if (!switches.disabled) return undefined;
    return { cause: 'EVENKEEL_DISABLED is set: the preload does nothing', next: 'unset it' };
  },

  function notManaged({ managed, url, resolution }) {
    if (managed || resolution === undefined || 'error' in resolution) return undefined;
    return {
      cause: `an installed agent leaves ${url.hostname} alone: it is not of the cluster, nor private, or a proxy or the option hosts claims it`,
      next: `hosts: ['${url.hostname}', …] has it balanced, and so does an agent passed by hand`,
    };
  },

  function beside({ mesh }) {
    if (mesh === undefined) return undefined;
    return {
      cause: `${mesh} stands beside this process and balances: requests go to the Service by name, and the pods aren't dialled`,
      next: "nothing; mesh: 'ignore' (EVENKEEL_MESH) balances all the same",
    };
  },

  function rightsWouldHelp(examination) {
    const { kubernetes } = examination;
    if (!lacksRights(kubernetes) || isBlind(examination) || errorOf(examination) !== undefined)
      return undefined;
    return {
      cause: `pods are seen by DNS, so changes are noticed when its TTL is over; if EndpointSlices might be read, they would be at once`,
      next: grantCommand(kubernetes.service!.namespace, kubernetes.account),
    };
  },

  function global({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'global') return undefined;
    return {
      cause: `${nameOf(service)} is a global Service, whose pods in other clusters can't be seen from here: its ClusterIP is used`,
      next: 'nothing',
    };
  },

  function affine({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.supply.spec.kind !== 'cluster-ip' || seen.supply.spec.affinity === undefined)
      return undefined;
    return {
      cause: `${nameOf(service)} has sessionAffinity: ClientIP: all requests from here go to one pod`,
      next: 'sessionAffinity: None lets them be balanced',
    };
  },

  function alone({ resolution, kubernetes, endpoints }) {
    if (resolution === undefined || 'error' in resolution || resolution.endpoints.length !== 1)
      return undefined;
    if (resolution.source !== 'endpointslices' && !isHeadless(kubernetes)) return undefined;
    if (isSeen(kubernetes.seen) && affinityOf(kubernetes.seen) !== undefined) return undefined;
    const others = endpoints.length - 1;
    const besides = others > 0 ? ` (${others} besides, not in use)` : '';
    return {
      cause: `there is one pod${besides}: nothing to balance, and nobody to take over`,
      next: 'more replicas, for anything that matters',
    };
  },

  function shortKeepAlive({ response }) {
    if (response === undefined || response.error !== undefined) return undefined;
    const { keepAlive, closes, kept } = response;
    if (closes || kept < 1_000) {
      return {
        cause: closes
          ? 'the server closes each connection after its response, so that every request takes a dial'
          : `the server closes connections that are idle for ${keepAlive} s, which is too short for one to be used again with safety`,
        next: 'let the server keep idle connections for longer: in Node.js, server.keepAliveTimeout = 65_000',
      };
    }
    return undefined;
  },

  function keptShorter({ response, settings }) {
    const ours = settings.find(({ name }) => name === 'keepAliveTimeout')?.value;
    if (response?.keepAlive === undefined || response.closes || typeof ours !== 'number') return undefined;
    if (response.kept < 1_000 || response.kept >= ours) return undefined;
    return {
      cause: `keepAliveTimeout is ${ours} ms, but the server closes idle connections after ${response.keepAlive} s: they are kept for ${response.kept} ms`,
      next: 'let the server keep idle connections for longer, or leave the option out',
    };
  },

  function unwell({ response }) {
    if (response === undefined || response.error !== undefined || response.status < 500) return undefined;
    return {
      cause: `the answer to a HEAD request was ${response.status}`,
      next: 'what do the pod’s logs say? A path in the URL is asked for as it is',
    };
  },
];

/** Whether a Service's pods are hidden behind one address. */
function isBlind({ resolution, kubernetes: { service, seen }, mesh }: Examination): boolean {
  if (service === undefined || mesh !== undefined || isHeadless({ seen })) return false;
  if (resolution === undefined || 'error' in resolution) return false;
  return resolution.source !== 'endpointslices' && resolution.endpoints.length === 1;
}

function isHeadless({ seen }: Pick<KubernetesSeen, 'seen'>): boolean {
  return isSeen(seen) && seen.supply.spec.kind === 'headless';
}

function isSeen(seen: KubernetesSeen['seen']): seen is Exclude<KubernetesSeen['seen'], 'absent' | undefined> {
  return seen !== undefined && seen !== 'absent';
}

function affinityOf({ supply: { spec } }: Exclude<KubernetesSeen['seen'], 'absent' | undefined>) {
  return spec.kind === 'cluster-ip' ? spec.affinity : undefined;
}

function lacksRights({ rights, service }: KubernetesSeen): boolean {
  return service !== undefined && rights.some(({ allowed }) => !allowed);
}

function absence({ seen, service }: KubernetesSeen): string {
  if (seen !== 'absent' || service === undefined) return '';
  return `, and namespace ${service.namespace} has no Service ${service.name}`;
}

function nameOf(service: ServiceName | undefined): string {
  return service === undefined ? 'the Service' : `Service ${service.namespace}/${service.name}`;
}

function errorOf({ resolution }: Examination): Error | undefined {
  return resolution !== undefined && 'error' in resolution ? resolution.error : undefined;
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function errorOfDial({ dial }: EndpointSeen): Error {
  return (dial as { error: Error }).error;
}

function adviceFor(error: Error): string {
  const code = codeOf(error) ?? '';
  if (code === 'ECONNREFUSED')
    return 'does the container listen on this port, and on 0.0.0.0 and not on localhost?';
  if (/CERT|TLS|SSL|ALTNAME|ISSUER/.test(code)) {
    return 'is the certificate for the name in the URL, and its CA known here (NODE_EXTRA_CA_CERTS, or the option connect)?';
  }
  return 'does a NetworkPolicy, or a firewall, stand between? kubectl get networkpolicies --all-namespaces';
}
