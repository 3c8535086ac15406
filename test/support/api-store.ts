import type { ServiceObject } from '../../src/core/discovery/kubernetes/service-spec.ts';
import type { SliceObject } from '../../src/core/discovery/kubernetes/slice.ts';

/** A change, as a watch reports it. */
export interface Change {
  readonly version: number;
  readonly resource: 'services' | 'endpointslices';
  readonly namespace: string;
  /** The Service, or the one that the slice belongs to. */
  readonly service: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ServiceObject | SliceObject;
}

/** The Services and EndpointSlices of a cluster, and their history. */
export class ApiStore {
  /** Watches that start before this version find their history gone. */
  oldest = 0;
  version = 100;
  /** Hears of each change. */
  onChange: (change: Change) => void = () => undefined;
  readonly #services = new Map<string, ServiceObject>();
  readonly #slices = new Map<string, SliceObject>();
  #history: Change[] = [];
  #created = 0;

  /** Creates a Service, with a uid of its own, or changes the one that has its name. */
  putService(namespace: string, service: ServiceObject): ServiceObject {
    const key = `${namespace}/${nameOf(service)}`;
    const before = this.#services.get(key);
    const uid = before?.metadata?.uid ?? `service-${++this.#created}`;
    const object = { ...service, metadata: { uid, ...service.metadata } };
    const type = before === undefined ? 'ADDED' : 'MODIFIED';
    const change = this.#record({ type, resource: 'services', namespace, service: nameOf(service), object });
    this.#services.set(key, change.object);
    this.onChange(change);
    return change.object;
  }

  removeService(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const object = this.#services.get(key);
    if (object === undefined) return;
    this.#services.delete(key);
    this.onChange(this.#record({ type: 'DELETED', resource: 'services', namespace, service: name, object }));
  }

  service(namespace: string, name: string): ServiceObject | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  putSlice(namespace: string, slice: SliceObject): void {
    const key = `${namespace}/${nameOf(slice)}`;
    const before = this.#slices.get(key);
    // To those who watch its former Service, a slice that changes hands is deleted.
    if (before !== undefined && serviceOf(before) !== serviceOf(slice))
      this.removeSlice(namespace, nameOf(slice));
    const type = this.#slices.has(key) ? 'MODIFIED' : 'ADDED';
    const change = this.#recordSlice(type, namespace, slice);
    this.#slices.set(key, change.object);
    this.onChange(change);
  }

  removeSlice(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const slice = this.#slices.get(key);
    if (slice === undefined) return;
    this.#slices.delete(key);
    this.onChange(this.#recordSlice('DELETED', namespace, slice));
  }

  slices(namespace: string, service: string): SliceObject[] {
    return [...this.#slices]
      .filter(([key, slice]) => key.startsWith(`${namespace}/`) && serviceOf(slice) === service)
      .map(([, slice]) => slice);
  }

  changesSince(version: number): Change[] {
    return this.#history.filter((change) => change.version > version);
  }

  /** Goes on at a later version, with nothing of what led there: as after a compaction. */
  forgetHistory(): void {
    this.version += 1_000;
    this.oldest = this.version;
    this.#history = [];
  }

  /** Goes on at an earlier version, with another history: as a cluster does that was restored from a backup. */
  restoreAt(version: number): void {
    this.version = version;
    this.#history = [];
  }

  #recordSlice(type: Change['type'], namespace: string, object: SliceObject) {
    return this.#record({ type, resource: 'endpointslices', namespace, service: serviceOf(object), object });
  }

  #record<C extends Omit<Change, 'version'>>(what: C): C & Change {
    const version = ++this.version;
    const metadata = { ...what.object.metadata, resourceVersion: String(version) };
    const change = { ...what, version, object: { ...what.object, metadata } };
    this.#history.push(change);
    return change;
  }
}

function serviceOf(slice: SliceObject): string {
  return slice.metadata?.labels?.['kubernetes.io/service-name'] ?? '';
}

function nameOf({ metadata }: ServiceObject | SliceObject): string {
  return metadata?.name ?? '';
}
