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
        'EVENKEEL_MODE is observe: the preload balances nothing, nor does install(), and how even the traffic is gets reported',
      next: 'unset it to have requests balanced',
    };
  },

  'not-managed'({ managed, url, resolution, settings }) {
    if (managed || resolution === undefined || 'error' in resolution) return undefined;
    const isChosen = settings.some(({ name, from }) => name === 'hosts' && from !== 'default');
    const why = isChosen
      ? 'the option hosts leaves it out'
      : 'it leads neither into the cluster nor to private addresses, or a proxy of the environment claims it (HTTP_PROXY, NO_PROXY)';
    return {
      cause: `an installed agent leaves ${url.hostname} alone: ${why}`,
      next: `hosts: ['${url.hostname}', …] has it balanced, and so does an agent passed by hand`,
    };
  },

  mesh({ mesh }) {
    if (mesh === undefined) return undefined;
    return {
      cause: `${mesh} stands beside this process and balances: requests go to the Service by name, and the pods aren't dialled`,
      next: "nothing; mesh: 'ignore' (EVENKEEL_MESH) balances all the same",
    };
  },

  'rights-would-help'(examination) {
    const { kubernetes } = examination;
    if (!lacksRights(kubernetes) || isBlind(examination) || errorOf(examination) !== undefined)
      return undefined;
    const { resolution } = examination;
    const isWatched = resolution?.source === 'endpointslices';
    return {
      cause: isWatched
        ? `${nameOf(kubernetes.service)} is read every few seconds, as it may not be watched: so long it takes until its changes are noticed`
        : `pods are seen by DNS, so changes are noticed when its TTL is over; if EndpointSlices might be read, they would be at once`,
      next: grantCommand(kubernetes.service!.namespace, kubernetes.account),
    };
  },

  'global-service'({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.route.way !== 'cluster-ip' || seen.route.reason !== 'global') return undefined;
    return {
      cause: `${nameOf(service)} is a global Service, whose pods in other clusters can't be seen from here: its ClusterIP is used`,
      next: 'nothing',
    };
  },

  'session-affinity'({ kubernetes: { seen, service } }) {
    if (!isSeen(seen) || seen.supply.spec.kind !== 'cluster-ip' || seen.supply.spec.affinity === undefined)
      return undefined;
    return {
      cause: `${nameOf(service)} has sessionAffinity: ClientIP: all requests from here go to one pod`,
      next: 'sessionAffinity: None lets them be balanced',
    };
  },

  'one-endpoint'({ resolution, kubernetes, endpoints }) {
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

  'short-keep-alive'({ response }) {
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

  'keep-alive-lowered'({ response, settings }) {
    const ours = settings.find(({ name }) => name === 'keepAliveTimeout')?.value;
    if (response?.keepAlive === undefined || response.closes || typeof ours !== 'number') return undefined;
    if (response.kept < 1_000 || response.kept >= ours) return undefined;
    return {
      cause: `keepAliveTimeout is ${ours} ms, but the server closes idle connections after ${response.keepAlive} s: they are kept for ${response.kept} ms`,
      next: 'let the server keep idle connections for longer, or leave the option out',
    };
  },

  'server-error'({ response }) {
    if (response === undefined || response.error !== undefined || response.status < 500) return undefined;
    return {
      cause: `the answer to a HEAD request was ${response.status}`,
      next: 'what do the pod’s logs say? With a path in the URL, that one is asked for',
    };
  },
};
