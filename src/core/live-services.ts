import type { Service } from './service.ts';

/** What one is told who watches services come and go. */
export interface ServiceWatcher {
  onServiceStarted(service: Service): void;
  /** It has no connections any more, and its counts are final. */
  onServiceEnded(service: Service): void;
}

/** The services of all agents in this process that have not ended: what metrics are read from. */
class LiveServices {
  readonly #services = new Set<Service>();
  readonly #watchers = new Set<ServiceWatcher>();

  start(service: Service): void {
    this.#services.add(service);
    for (const watcher of this.#watchers) watcher.onServiceStarted(service);
  }

  end(service: Service): void {
    if (!this.#services.delete(service)) return;
    for (const watcher of this.#watchers) watcher.onServiceEnded(service);
  }

  /** Tells a watcher of those there are, and from now on. */
  watch(watcher: ServiceWatcher): void {
    this.#watchers.add(watcher);
    for (const service of this.#services) watcher.onServiceStarted(service);
  }

  unwatch(watcher: ServiceWatcher): void {
    this.#watchers.delete(watcher);
  }
}

export const liveServices = new LiveServices();
