import type { HealthRecord } from '../../src/core/endpoints/health-record.ts';
import { EJECTED, ON_TRIAL, PAUSED } from '../../src/core/endpoints/reasons.ts';
import type { OutlierSettings } from '../../src/core/health/settings.ts';
import type { Suspect } from '../../src/core/health/standings.ts';

/** Outlier detection with its defaults. */
export const OUTLIERS: OutlierSettings = {
  consecutiveFailures: 5,
  successRateInterval: 10_000,
  successRateMinimumHosts: 5,
  successRateRequestVolume: 100,
  successRateStdevFactor: 1.9,
  enforcingSuccessRate: 100,
  baseEjectionTime: 30_000,
  maxEjectionTime: 300_000,
  maxEjectionPercent: 30,
  panicThreshold: 50,
  failures: ['502', '503', '504', 'reset', 'connect', 'timeout'],
};

/** An endpoint as health sees it. */
export class FakeSuspect implements Suspect {
  readonly address: string;
  readonly origin = 'http://orders.prod';
  inFlight = 0;
  judged = 0;
  isUnreachable = false;
  health: HealthRecord | undefined = undefined;
  reasons = 0;
  readonly #onReasons: (suspect: FakeSuspect) => void;

  constructor(address: string, onReasons: (suspect: FakeSuspect) => void = () => {}) {
    this.address = address;
    this.#onReasons = onReasons;
  }

  /** Whether its health lets it have a request. */
  get isHealthy(): boolean {
    if ((this.reasons & (EJECTED | PAUSED)) !== 0) return false;
    return (this.reasons & ON_TRIAL) === 0 || this.inFlight === 0;
  }

  setHealth(health: HealthRecord | undefined): void {
    this.health = health;
  }

  onUncounted(): void {
    this.#onReasons(this);
  }

  setReasons(mask: number, reasons: number): void {
    const before = this.reasons;
    this.reasons = (before & ~mask) | reasons;
    if (this.reasons !== before) this.#onReasons(this);
  }
}
