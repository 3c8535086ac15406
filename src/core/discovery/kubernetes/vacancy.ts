import type { Clock } from '../../base/clock.ts';
import { type Address, canConnect } from './reachability.ts';

/** At least so many milliseconds are between two knocks. */
const AGAIN = 500;

export interface VacancyOptions {
  clock: Clock;
  /** Whether a connection to this address can be made. */
  canConnect?: (to: Address) => Promise<boolean>;
  onChange: () => void;
}

/**
 * Knows whether a Service that has no pods, as far as slices tell, serves nevertheless: its ClusterIP takes connections.
 * Then kube-proxy knows pods that this process has not heard of. Without pods, it refuses connections.
 */
export class Vacancy {
  readonly #options: VacancyOptions;
  readonly #canConnect: (to: Address) => Promise<boolean>;
  #knocking = false;
  #knockedAt = Number.NEGATIVE_INFINITY;
  #serves = false;

  constructor(options: VacancyOptions) {
    this.#options = options;
    this.#canConnect = options.canConnect ?? canConnect;
  }

  /** Whether the ClusterIP serves, for all that is known. */
  get serves(): boolean {
    return this.#serves;
  }

  /** A request waits. Finds out whether the ClusterIP would serve it. */
  async ask(clusterIP: Address): Promise<void> {
    const { clock, onChange } = this.#options;
    if (this.#knocking || this.#serves || clock.now() - this.#knockedAt < AGAIN) return;
    this.#knocking = true;
    const connected = await this.#canConnect(clusterIP);
    this.#knockedAt = clock.now();
    // Meanwhile, pods may have come.
    if (!this.#knocking) return;
    this.#knocking = false;
    this.#serves = connected;
    if (connected) onChange();
  }

  /** The ClusterIP takes no connections any more. */
  lost(): void {
    this.end();
    this.#knockedAt = this.#options.clock.now();
    this.#options.onChange();
  }

  /** There are pods, or nobody asks any more. */
  end(): void {
    this.#knocking = false;
    this.#serves = false;
  }
}
