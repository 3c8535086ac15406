import type { LookUpStep } from './dns/look-up.ts';
import type { ServiceName } from './kubernetes/match.ts';
import type { Route, Supply } from './kubernetes/route.ts';
import type { Warn } from './kubernetes/warnings.ts';

/** Hears how discovery comes to what it yields, on behalf of somebody who wants to know why. */
export interface Witness {
  /** A source of names was asked. */
  onLookUp(step: LookUpStep): void;
  /** The Kubernetes API was asked for a Service. It has none by that name, or this is known of it and leads there. */
  onService(service: ServiceName, seen: { supply: Supply; route: Route } | undefined): void;
  /** The Kubernetes API couldn't be asked, or refused. */
  onFailure(error: Error): void;
  /** Takes the warnings that would be the process's. */
  readonly warn: Warn;
}
