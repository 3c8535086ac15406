import { ParsedFile } from '../dns/parsed-file.ts';
import { parseResolvConf, type ResolvConf } from '../dns/resolv-conf.ts';
import {
  clusterDomainOf,
  DEFAULT_DOMAIN,
  explicitService,
  fullName,
  type ServiceName,
  serviceOf,
} from './match.ts';
import type { Place } from './place.ts';

/** The names of Services in this cluster. Its domain is set as an option, or is in the search list of resolv.conf. */
export class ClusterNames {
  readonly #domain: string | undefined;
  readonly #resolvConf: ParsedFile<ResolvConf>;

  constructor(domain: string | undefined, { resolvConf, hostname }: Pick<Place, 'resolvConf' | 'hostname'>) {
    this.#domain = domain;
    this.#resolvConf = new ParsedFile(resolvConf, (text) => parseResolvConf(text, hostname));
  }

  get domain(): string {
    return this.#domain ?? clusterDomainOf(this.#resolvConf.read().search) ?? DEFAULT_DOMAIN;
  }

  /** Whether a full name belongs to the cluster: the name of a Service, or of a pod or a port below it. */
  contains(name: string): boolean {
    return name.endsWith(`.svc.${this.domain}`);
  }

  /** The Service that a full name leads to. */
  serviceOf(name: string): ServiceName | undefined {
    return serviceOf(name, this.domain);
  }

  /** The Service that a host name means, wherever it is looked up. */
  explicit(hostname: string): ServiceName | undefined {
    return explicitService(hostname, this.domain);
  }

  fullName(service: ServiceName): string {
    return fullName(service, this.domain);
  }
}
