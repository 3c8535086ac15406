import { IDENTITY_HEADER, identityHeaderIn } from '../../core/base/identity-header.ts';
import { grantCommand } from '../../core/discovery/kubernetes/grant.ts';
import {
  affinityOf,
  type Checks,
  errorOf,
  isBlind,
  isHeadless,
  isSeen,
  lacksRights,
  nameOf,
  namesItself,
  needsNames,
} from './facts.ts';

/** What is good to know. */
export const ADVICE: Checks = {
  disabled({ switches }) {
    if (switches.disabled) {
      return { cause: 'EVENKEEL_DISABLED is set: the preload and install() do nothing', next: 'unset it' };
    }
    if (switches.misspelt === undefined) return undefined;
    return { cause: `${switches.misspelt}: the preload and install() do nothing`, next: 'correct it' };
  },

  observe({ switches }) {
    if (switches.disabled || switches.mode !== 'observe') return undefined;
    return {
      cause:
        'EVENKEEL_MODE is observe: the preload and install() balance nothing, and report how even the traffic is',
      next: 'unset it, and evenkeel balances requests',
    };
  },

  'not-managed'({ managed, url, resolution, settings }) {
    if (managed || resolution === undefined || 'error' in resolution) return undefined;
    const isChosen = settings.some(({ name, from }) => name === 'hosts' && from !== 'default');
    const why = isChosen
      ? 'the option hosts excludes it'
      : 'it leads neither into the cluster nor to private addresses, or HTTP_PROXY settings send its requests to a proxy';
    return {
      cause: `an installed agent doesn't balance ${url.hostname}: ${why}`,
      next: `to balance it, set hosts: ['${url.hostname}', …], or pass an agent to the call`,
    };
  },

  mesh({ mesh }) {
    if (mesh === undefined) return undefined;
    return {
      cause: `${mesh} has a proxy beside this process, which balances: evenkeel sends requests to the Service by name, and dials no pods`,
      next: "nothing; with mesh: 'ignore' (EVENKEEL_MESH), evenkeel balances too",
    };
  },

  'rights-would-help'(examination) {
    const { kubernetes } = examination;
    if (!lacksRights(kubernetes) || isBlind(examination) || errorOf(examination) !== undefined)
      return undefined;
    const { resolution } = examination;
    const isWatched = resolution?.source === 'endpointslices';
    const cause = isWatched
      ? `evenkeel may not watch ${nameOf(kubernetes.service)}, so it reads the Service every few seconds, and notices changes then`
      : namesItself(examination)
        ? 'pods name themselves, so evenkeel knows a new pod when a connection leads to it, within seconds. If it might read EndpointSlices, it would know at once'
        : 'evenkeel sees the pods in DNS, so it notices changes when the TTL is over. If it might read EndpointSlices, it would notice them at once';
    return { cause, next: grantCommand(kubernetes.service!.namespace, kubernetes.account) };
  },

  'identify-would-help'(examination) {
    if (!needsNames(examination)) return undefined;
    const inForce = new Map(examination.settings.map(({ name, value }) => [name, value]));
    const header = identityHeaderIn({
      identityHeader: inForce.get('identityHeader') as string | false,
      policy: inForce.get('policy'),
    });
    if (header === false) return undefined;
    return {
      cause: `the response has no header ${header}: if the pods name themselves in it, evenkeel balances by pod through the one address, and needs no rights`,
      next:
        header === IDENTITY_HEADER
          ? 'if the pods run Node.js: node --import evenkeel/identify app.js; if not, docs/identify.md has recipes'
          : `let the pods send ${header} (docs/identify.md), or leave the option identityHeader out`,
    };
  },

  'global-service'({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'global') return undefined;
    return {
      cause: `${nameOf(service)} is a global Service: evenkeel can't see its pods in other clusters from here, so it uses the ClusterIP`,
      next: 'nothing',
    };
  },

  'session-affinity'({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.supply.spec.kind !== 'cluster-ip' || seen.supply.spec.affinity === undefined)
      return undefined;
    return {
      cause: `${nameOf(service)} has sessionAffinity: ClientIP: all requests from here go to one pod`,
      next: 'with sessionAffinity: None, evenkeel can balance them',
    };
  },

  'one-endpoint'({ resolution, kubernetes, endpoints }) {
    if (resolution === undefined || 'error' in resolution || resolution.endpoints.length !== 1)
      return undefined;
    if (resolution.source !== 'endpointslices' && !isHeadless(kubernetes)) return undefined;
    if (isSeen(kubernetes.seen) && affinityOf(kubernetes.seen) !== undefined) return undefined;
    const others = endpoints.length - 1;
    const besides = others > 0 ? ` (and ${others} not in use)` : '';
    return {
      cause: `there is one pod${besides}: evenkeel has nothing to balance, and no other pod if this one fails`,
      next: 'run more replicas, if the service matters',
    };
  },

  'short-keep-alive'({ response }) {
    if (response === undefined || response.error !== undefined) return undefined;
    const { keepAlive, closes, kept } = response;
    if (closes || kept < 1_000) {
      return {
        cause: closes
          ? 'the server closes each connection after its response, so every request needs a new connection'
          : `the server closes connections that are idle for ${keepAlive} s. That is too short to use a connection again safely`,
        next: 'let the server keep idle connections for longer: in Node.js, server.keepAliveTimeout = 65_000',
      };
    }
    return undefined;
  },

  'keep-alive-lowered'({ response, settings }) {
    const ours = settings.find(({ name }) => name === 'keepAliveTimeout')?.value;
    if (response?.keepAlive === undefined || response.closes || typeof ours !== 'number') return undefined;
    if (response.kept < 1_000 || response.kept >= ours) return undefined;
    return {
      cause: `keepAliveTimeout is ${ours} ms, but the server closes idle connections after ${response.keepAlive} s: evenkeel keeps them for ${response.kept} ms`,
      next: 'let the server keep idle connections for longer, or leave the option out',
    };
  },

  'server-error'({ response }) {
    if (response === undefined || response.error !== undefined || response.status < 500) return undefined;
    return {
      cause: `the answer to a HEAD request was ${response.status}`,
      next: 'look at the logs of the pod; to ask for another path, put it into the URL',
    };
  },
};
