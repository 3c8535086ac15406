import type { ServiceObject } from '../../src/discovery/kubernetes/service-spec.ts';
import type { SliceObject } from '../../src/discovery/kubernetes/slice.ts';

/** A change of a slice, as a watch reports it. */
export interface Change {
  readonly version: number;
  readonly namespace: string;
  /** The Service that the slice belongs to. */
  readonly service: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: SliceObject;
}

/** The Services and EndpointSlices of a cluster, and the history of the latter. */
export class ApiStore {
  /** Watches that start before this version find their history gone. */
  oldest = 0;
  version = 100;
  /** Hears of each change. */
  onChange: (change: Change) => void = () => undefined;
  readonly #services = new Map<string, ServiceObject>();
  readonly #slices = new Map<string, SliceObject>();
  #history: Change[] = [];

  putService(namespace: string, service: ServiceObject): void {
    const metadata = { ...service.metadata, resourceVersion: String(++this.version) };
    this.#services.set(`${namespace}/${metadata.name}`, { ...service, metadata });
  }

  removeService(namespace: string, name: string): void {
    this.version++;
    this.#services.delete(`${namespace}/${name}`);
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
    const change = this.#record(this.#slices.has(key) ? 'MODIFIED' : 'ADDED', namespace, slice);
    this.#slices.set(key, change.object);
    this.onChange(change);
  }

  removeSlice(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const slice = this.#slices.get(key);
    if (slice === undefined) return;
    this.#slices.delete(key);
    this.onChange(this.#record('DELETED', namespace, slice));
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

  #record(type: Change['type'], namespace: string, slice: SliceObject): Change {
    const version = ++this.version;
    const object = { ...slice, metadata: { ...slice.metadata, resourceVersion: String(version) } };
    const change = { version, namespace, service: serviceOf(slice), type, object };
    this.#history.push(change);
    return change;
  }
}

function serviceOf(slice: SliceObject): string {
  return slice.metadata?.labels?.['kubernetes.io/service-name'] ?? '';
}

function nameOf(slice: SliceObject): string {
  return slice.metadata?.name ?? '';
}
