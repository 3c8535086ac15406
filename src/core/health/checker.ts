import type { EndpointAddress } from '../discovery/resolver.ts';
import type { HealthCheckSettings } from './settings.ts';

/** A health check under way. */
export interface Check {
  /** Gives it up, without calling `done`. */
  abandon(): void;
}

/** What sends health checks. */
export interface Checker {
  /** Whether anything but dials and checks under way keeps the process alive. */
  isProcessHeld(): boolean;
  /**
   * Checks an endpoint on a connection of its own. So the check also shows whether the endpoint accepts connections,
   * and doesn't wait behind a request. Calls `done` once, later, unless the check is given up.
   */
  check(
    target: { readonly info: EndpointAddress },
    settings: HealthCheckSettings,
    done: (passed: boolean) => void,
  ): Check;
}
