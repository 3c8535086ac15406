import type { EndpointAddress } from '../discovery/resolver.ts';
import type { HealthCheckSettings } from './settings.ts';

/** A health check under way. */
export interface Check {
  /** Gives it up: nobody is told. */
  abandon(): void;
}

/** What sends health checks. */
export interface Checker {
  /** Whether the process would go on without any check or dial that is under way. */
  isProcessHeld(): boolean;
  /**
   * Checks an endpoint on a connection of its own, so that it tells whether the endpoint takes connections, and waits
   * behind nobody's request. `done` is called once, later, unless it is given up.
   */
  check(
    target: { readonly info: EndpointAddress },
    settings: HealthCheckSettings,
    done: (passed: boolean) => void,
  ): Check;
}
