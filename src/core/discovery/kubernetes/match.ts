/** A Service, as the Kubernetes API names it. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

export function sameService(a: ServiceName | undefined, b: ServiceName | undefined): boolean {
  return a?.name === b?.name && a?.namespace === b?.namespace;
}

/** The name that a Service has in DNS. */
export function fullName({ namespace, name }: ServiceName, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${normalized(clusterDomain)}`;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The Service that a full name leads to: `<service>.<namespace>.svc.<cluster domain>`. Names below it belong to single
 * pods or ports, and aren't Services.
 */
export function serviceOf(fullName: string, clusterDomain: string): ServiceName | undefined {
  const name = normalized(fullName);
  const suffix = `.svc.${normalized(clusterDomain)}`;
  return name.endsWith(suffix) ? pair(name.slice(0, -suffix.length)) : undefined;
}

/** The Service that `hostname` must mean, wherever it is looked up: `svc.ns.svc`, with or without the domain. */
export function explicitService(hostname: string, clusterDomain: string): ServiceName | undefined {
  const name = normalized(hostname);
  return name.endsWith('.svc') ? pair(name.slice(0, -'.svc'.length)) : serviceOf(name, clusterDomain);
}

/** The Service that `hostname` may mean: `svc` or `svc.ns`. */
export function possibleService(hostname: string, namespace: string): ServiceName | undefined {
  const name = normalized(hostname);
  if (name === 'localhost') return undefined;
  return pair(name.includes('.') ? name : `${name}.${namespace}`);
}

/** The domain of the cluster, unless another one is set. */
export const DEFAULT_DOMAIN = 'cluster.local';

/**
 * The cluster domain at the end of a pod's search list: `<namespace>.svc.<domain> svc.<domain> <domain>`. A domain that
 * only has a label `svc` is no cluster.
 */
export function clusterDomainOf(search: readonly string[]): string | undefined {
  const domains = search.map(normalized);
  const services = domains.find(
    (domain, at) => domain.startsWith('svc.') && isNamespaceOf(domains[at - 1] ?? '', domain),
  );
  return services?.slice('svc.'.length);
}

function isNamespaceOf(domain: string, services: string): boolean {
  return domain.endsWith(`.${services}`) && LABEL.test(domain.slice(0, -services.length - 1));
}

function pair(name: string): ServiceName | undefined {
  const [service, namespace, ...rest] = name.split('.');
  if (service === undefined || namespace === undefined || rest.length > 0) return undefined;
  return LABEL.test(service) && LABEL.test(namespace) ? { namespace, name: service } : undefined;
}

function normalized(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
