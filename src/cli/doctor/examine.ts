import { isIPv6 } from 'node:net';
import { isDisabled, read } from '../../config/env.ts';
import { settingsInForce } from '../../config/in-force.ts';
import type { BalancedAgentOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { switchesIn } from '../../config/switches.ts';
import type { Environment } from '../../core/base/environment.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import { ParsedFile } from '../../core/discovery/dns/parsed-file.ts';
import { parseResolvConf } from '../../core/discovery/dns/resolv-conf.ts';
import { Following } from '../../core/discovery/following.ts';
import { Access, NEEDED, type Right } from '../../core/discovery/kubernetes/access.ts';
import { ApiError } from '../../core/discovery/kubernetes/api.ts';
import { ApiClient, type ApiList } from '../../core/discovery/kubernetes/api-client.ts';
import { ClusterNames } from '../../core/discovery/kubernetes/cluster-names.ts';
import { possibleService, type ServiceName, sameService } from '../../core/discovery/kubernetes/match.ts';
import { MeshDetector } from '../../core/discovery/kubernetes/mesh.ts';
import type { Place } from '../../core/discovery/kubernetes/place.ts';
import type { Supply } from '../../core/discovery/kubernetes/route.ts';
import {
  parseService,
  type ServiceObject,
  servicesPath,
} from '../../core/discovery/kubernetes/service-spec.ts';
import type { Slice } from '../../core/discovery/kubernetes/slice.ts';
import type { EndpointAddress } from '../../core/discovery/resolver.ts';
import { transportFor } from '../../transports/kubernetes-api/transport.ts';
import { resolverFor } from '../../transports/resolver-for.ts';
import { manages } from '../../transports/undici/global/install.ts';
import { clientsIn } from './clients.ts';
import { ask, dial } from './dial.ts';
import type { EndpointSeen, Examination, KubernetesSeen, ResponseSeen, RightSeen } from './examination.ts';

export interface Subject {
  readonly url: URL;
  /** The path with its query, which is shown to nobody. */
  readonly path: string;
  readonly options: BalancedAgentOptions;
  readonly env: Environment;
  readonly place: Place;
  /** The folder of the app. */
  readonly app: string;
  /** Whether to connect to endpoints. */
  readonly dial: boolean;
  /** Whether to send a request too. */
  readonly request: boolean;
  /** Hears what is being done. */
  readonly tell: (what: string) => void;
}

const FIRST_ANSWER = 30_000;
const API_ANSWER = 10_000;
const MOST_DIALS = 50;

/** Finds out what an app in this place would do, by doing the same. */
export async function examine(subject: Subject): Promise<Examination> {
  const { url, options, env, place, tell } = subject;
  // No other client starts at this moment, so nothing needs to be spread over time.
  const settings = { ...resolveSettings(options, env), random: () => 0 };
  const following = new Following();
  // What discovery waits for doesn't keep the process alive.
  const alive = setInterval(() => {}, 1_000);
  try {
    const hostname = withoutBrackets(url.hostname);
    const target = { hostname, port: portOf(url), protocol: url.protocol as 'http:' | 'https:' };
    tell(`Looking up ${hostname}`);
    following.start(resolverFor(settings, place, following.trace), target);
    const [managed, mesh] = await Promise.all([
      // The name leads nowhere at present.
      manages(url.origin, settings, following.signal, place.resolvConf).catch(() => false),
      meshAt(place, settings),
      following.first(FIRST_ANSWER),
    ]);
    const matched = matchedBy(following);
    const kubernetes = await askKubernetes(subject, settings, following, { hostname, matched, mesh });
    const all = endpointsOf(following, url);
    if (subject.dial) tell(`Dialling ${Math.min(all.length, MOST_DIALS)} of ${all.length} endpoints`);
    const tried = subject.dial ? await dialled(all, url, settings) : all;
    const endpoints = [...tried, ...(await insteadOf(tried, following, url, settings))];
    return {
      url,
      managed,
      mesh,
      names: { steps: following.trace.steps, servers: serversOf(settings, place), matched },
      kubernetes,
      resolution: following.resolution,
      endpoints,
      notDialled: endpoints.filter(({ dial, state }) => state === 'in use' && dial === undefined).length,
      response: await responseOf(subject, settings, endpoints),
      clients: clientsIn(subject.app),
      warnings: following.trace.warnings,
      settings: settingsInForce(settings, options, env),
      switches: {
        disabled: isDisabled(env),
        mode: read(env, 'EVENKEEL_MODE'),
        misspelt: switchesIn(env).problem,
      },
    };
  } finally {
    following.stop();
    clearInterval(alive);
  }
}

function matchedBy({ resolution }: Following): string | undefined {
  return resolution !== undefined && 'endpoints' in resolution ? resolution.matchedName : undefined;
}

async function meshAt({ apiHost, procNet }: Place, { mesh, clock }: Settings): Promise<string | undefined> {
  if (apiHost === undefined || mesh === 'ignore') return undefined;
  const { value } = await new MeshDetector(procNet, clock).follow(AbortSignal.abort()).next();
  return value ?? undefined;
}

function serversOf({ dns }: Settings, { resolvConf, hostname }: Place): readonly string[] {
  return dns.servers ?? new ParsedFile(resolvConf, (text) => parseResolvConf(text, hostname)).read().servers;
}

interface NameFacts {
  readonly hostname: string;
  readonly matched: string | undefined;
  readonly mesh: string | undefined;
}

async function askKubernetes(
  { place, tell }: Subject,
  settings: Settings,
  following: Following,
  { hostname, matched, mesh }: NameFacts,
): Promise<KubernetesSeen> {
  const { discovery, kubernetes, clock } = settings;
  const names = new ClusterNames(kubernetes.clusterDomain, place);
  const open = transportFor({ kubeconfig: kubernetes.kubeconfig, wanted: discovery === 'kubernetes', place });
  const inCluster = open !== undefined && kubernetes.kubeconfig === undefined && place.apiHost !== undefined;
  const seen = {
    way: wayOf(open !== undefined, inCluster, place),
    api: place.apiHost && `https://${hostOf(place.apiHost)}:${place.apiPort ?? '443'}`,
    account: undefined,
    service: names.serviceOf(matched ?? '') ?? names.explicit(hostname),
    rights: [],
    seen: undefined,
    error: undefined,
  } as const satisfies KubernetesSeen;
  if (open === undefined) return seen;
  const { signal } = following;
  let service: ServiceName | undefined = seen.service;
  try {
    const transport = await open();
    const namespace = kubernetes.namespace ?? transport.namespace ?? 'default';
    // A name that leads nowhere may be the name of a Service without pods.
    if (matched === undefined) service ??= possibleService(hostname, namespace);
    if (service === undefined) return seen;
    tell('Asking the Kubernetes API');
    const access = new Access(transport, clock);
    const account = await access.account(signal);
    let rights = await rightsIn(service.namespace, access, signal);
    if (discovery !== 'dns' && mesh === undefined && seen.service !== undefined && matched !== undefined) {
      await following.answered(API_ANSWER, names);
      const led = following.trace.service?.name;
      if (led !== undefined && !sameService(led, service)) {
        // The name was that of an ExternalName Service, which leads to this one.
        if (led.namespace !== service.namespace) rights = await rightsIn(led.namespace, access, signal);
        service = led;
      }
    }
    const mayRead = rights.find(({ verb, resource }) => verb === 'list' && resource === 'services')?.allowed;
    const told =
      following.trace.service === undefined && mayRead
        ? await specOf(service, new ApiClient(transport, clock), signal)
        : following.trace.service?.seen;
    return {
      ...seen,
      account,
      service,
      rights,
      seen: told ?? (following.trace.service === undefined ? undefined : 'absent'),
      error: following.trace.error,
    };
  } catch (error) {
    return { ...seen, service, error: error as Error };
  }
}

function rightsIn(namespace: string, access: Access, signal: AbortSignal): Promise<RightSeen[]> {
  const ask = async (right: Right) => {
    try {
      return { ...right, allowed: await access.allows(right, namespace, signal) };
    } catch (error) {
      // In some clusters, not everybody may ask. Then only the use of the right shows whether it is there.
      if (error instanceof ApiError && error.refused) return { ...right, allowed: undefined };
      throw error;
    }
  };
  return Promise.all(NEEDED.map(ask));
}

function wayOf(open: boolean, inCluster: boolean, { apiHost }: Place): KubernetesSeen['way'] {
  if (open) return inCluster ? 'service-account' : 'kubeconfig';
  return apiHost === undefined ? 'none' : 'no-account';
}

/** What the Service is, if discovery had no reason to ask. */
async function specOf(service: ServiceName, client: ApiClient, signal: AbortSignal) {
  const { items } = await client.get<ApiList<ServiceObject>>(servicesPath(service), signal);
  const found = items?.find(({ metadata }) => metadata?.name === service.name);
  if (found === undefined) return 'absent' as const;
  const supply: Supply = { spec: parseService(found), slices: [], overlap: false };
  return { supply, route: { way: 'none' } as const };
}

/** The endpoints in use, and the other ones in the slices. */
function endpointsOf({ resolution, trace: { service } }: Following, url: URL): EndpointSeen[] {
  const used = resolution !== undefined && 'endpoints' in resolution ? resolution.endpoints : [];
  const inUse = used.map((endpoint) => seenAs(endpoint, 'in use'));
  const known = new Set(used.map(({ address }) => address));
  const { spec, slices = [] } = service?.seen?.supply ?? {};
  const others = slices.flatMap((slice) => {
    const port = spec?.kind === 'cluster-ip' ? portIn(slice, spec.ports.get(portOf(url))) : portOf(url);
    return slice.endpoints
      .filter(({ address }) => !known.has(address))
      .map((endpoint) => {
        const { ready, terminating } = endpoint;
        const unused = port === undefined ? 'other port' : 'left out';
        const state = ready ? unused : terminating ? 'terminating' : 'not ready';
        return seenAs({ ...endpoint, port: port ?? portOf(url) }, state);
      });
  });
  return [...inUse, ...others];
}

/** The port with this name of a slice's endpoints; any port, if the Service doesn't have the port. */
function portIn({ ports }: Slice, name: string | undefined): number | undefined {
  return name === undefined ? [...ports.values()][0] : ports.get(name);
}

function seenAs(
  { address, port, zone, nodeName }: EndpointAddress,
  state: EndpointSeen['state'],
): EndpointSeen {
  return { address, port, zone, nodeName, state, dial: undefined };
}

function dialled(endpoints: readonly EndpointSeen[], url: URL, settings: Settings): Promise<EndpointSeen[]> {
  let left = MOST_DIALS;
  return Promise.all(
    endpoints.map(async (endpoint) => {
      if (endpoint.state !== 'in use' || left-- <= 0) return endpoint;
      return { ...endpoint, dial: await dial(url, endpoint, settings) };
    }),
  );
}

/** The ClusterIP, if the agent uses it because no pod can be dialled. */
async function insteadOf(
  tried: readonly EndpointSeen[],
  { trace: { service } }: Following,
  url: URL,
  settings: Settings,
): Promise<EndpointSeen[]> {
  const { route } = service?.seen ?? {};
  const dials = tried.flatMap(({ dial }) => dial ?? []);
  if (route?.way !== 'pods' || route.clusterIP === undefined) return [];
  if (dials.length === 0 || dials.some((dial) => 'took' in dial)) return [];
  const endpoint = seenAs({ address: route.clusterIP, port: portOf(url) }, 'ClusterIP');
  return [{ ...endpoint, dial: await dial(url, endpoint, settings) }];
}

async function responseOf(
  { url, path, request, tell }: Subject,
  settings: Settings,
  endpoints: readonly EndpointSeen[],
): Promise<ResponseSeen | undefined> {
  const endpoint = endpoints.find(({ dial }) => dial !== undefined && 'took' in dial);
  if (!request || endpoint === undefined) return undefined;
  tell(`Asking ${endpoint.address} for headers`);
  return ask(url, path, endpoint, settings);
}

function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

function hostOf(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
