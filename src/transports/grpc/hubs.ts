import type { Settings } from '../../config/settings.ts';
import { hostName } from '../../core/base/host.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import { sharedResolverFor } from '../resolver-for.ts';
import { Hub } from './hub.ts';
import type { GrpcTarget } from './target.ts';

/** The hubs of one balancing: one for each target that channels call, of all copies of grpc-js. */
export class Hubs {
  readonly #settings: Settings;
  readonly #hubs = new Map<string, Hub>();
  #resolver: Resolver | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  [Symbol.iterator](): Iterator<Hub> {
    return this.#hubs.values();
  }

  /** @param target or an error that says what is wrong with it, and that calls fail with */
  of(target: GrpcTarget | Error): Hub {
    if (target instanceof Error) return this.#failing(target);
    return this.#find(target, () => (this.#resolver ??= sharedResolverFor(this.#settings)));
  }

  #failing(error: Error): Hub {
    const target = { origin: `grpc://${error.message}`, hostname: '', port: 1 };
    return this.#find(
      target,
      () =>
        async function* () {
          yield { error };
        },
    );
  }

  #find(target: GrpcTarget, resolver: () => Resolver): Hub {
    const { origin } = target;
    let hub = this.#hubs.get(origin);
    if (hub === undefined) {
      hub = new Hub({
        target,
        settings: this.#settings,
        resolver: resolver(),
        identity: `${hostName()} ${process.pid}`,
        onIdle: (idle) => this.#end(idle),
      });
      this.#hubs.set(origin, hub);
    }
    return hub;
  }

  #end(hub: Hub): void {
    this.#hubs.delete(hub.origin);
    hub.close();
  }
}
