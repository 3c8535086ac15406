import { isIP } from 'node:net';
import { ParsedFile } from '../dns/parsed-file.ts';
import type { Place } from './place.ts';
import type { Slice } from './slice.ts';
import type { OwnLocation } from './topology.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';

/**
 * The node and the zone of this process: from options or variables; the zone also from the pod's labels, if a
 * `downwardAPI` volume has them; or else from an endpoint with this address, or on this node.
 */
export class OwnLocationFinder implements OwnLocation {
  readonly #addresses: ReadonlySet<string>;
  #zone: string | undefined;
  #nodeName: string | undefined;

  constructor({ podLabels, interfaces }: Place, settings: OwnLocation) {
    const infos = Object.values(interfaces).flatMap((list) => list ?? []);
    this.#addresses = new Set(
      infos.filter(({ internal }) => !internal).map(({ address }) => canonical(address)),
    );
    this.#nodeName = settings.nodeName;
    this.#zone = settings.zone ?? new ParsedFile(podLabels, zoneIn).read();
  }

  get zone(): string | undefined {
    return this.#zone;
  }

  get nodeName(): string | undefined {
    return this.#nodeName;
  }

  /** Learns from a slice, if something is still unknown. Returns whether it has learned anything. */
  learn({ endpoints }: Slice): boolean {
    if (this.#nodeName !== undefined && this.#zone !== undefined) return false;
    const before = [this.#nodeName, this.#zone];
    const self = endpoints.find(({ address }) => this.#addresses.has(canonical(address)));
    this.#nodeName ??= self?.nodeName;
    const neighbour = endpoints.find(
      ({ nodeName, zone }) => zone !== undefined && nodeName === this.#nodeName && nodeName !== undefined,
    );
    this.#zone ??= self?.zone ?? neighbour?.zone;
    return before[0] !== this.#nodeName || before[1] !== this.#zone;
  }
}

/** The zone among labels in the form of the downward API: one line `name="value"` for each. */
function zoneIn(labels: string): string | undefined {
  const line = labels.split('\n').find((label) => label.startsWith(`${ZONE_LABEL}=`));
  const value = line?.slice(ZONE_LABEL.length + 1).replace(/^"|"$/g, '');
  return value === '' ? undefined : value;
}

/** IPv6 addresses can be written in several ways. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address.split('%')[0]}]`).hostname : address;
}
