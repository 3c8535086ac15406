import { connect } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';

const DIAL_TIMEOUT = 3_000;
const FIRST_PAUSE = 60_000;
const LAST_PAUSE = 600_000;
const SAMPLE = 3;

/** What is dialled. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

export interface ReachabilityOptions {
  clock: Clock;
  random: () => number;
  /** Whether a connection to this address can be made. */
  canConnect?: (to: Address) => Promise<boolean>;
  onChange: (reachable: boolean) => void;
}

/**
 * Knows whether pods can be dialled. It assumes so until no pod can be dialled while their ClusterIP can: then a
 * NetworkPolicy forbids it, or this process is outside the pod network. From time to time, it tries some pods again.
 */
export class Reachability {
  readonly #options: ReachabilityOptions;
  readonly #canConnect: (to: Address) => Promise<boolean>;
  #state: 'reachable' | 'checking' | 'unreachable' | 'closed' = 'reachable';
  #pause = FIRST_PAUSE;
  #timer: Timer | undefined;

  constructor(options: ReachabilityOptions) {
    this.#options = options;
    this.#canConnect = options.canConnect ?? canConnect;
  }

  /** Whether the ClusterIP is asked, or will soon be used. */
  get hasNews(): boolean {
    return this.#state === 'checking' || this.#state === 'unreachable';
  }

  get reachable(): boolean {
    return this.#state !== 'unreachable';
  }

  /**
   * No pod could be dialled. `pods` returns those of which some are tried later. Resolves with true if it was found that
   * the ClusterIP can't be dialled either, so that nothing changes.
   */
  async onUnreachable(clusterIP: Address, pods: () => readonly Address[]): Promise<boolean> {
    if (this.#state !== 'reachable') return false;
    this.#state = 'checking';
    const connected = await this.#canConnect(clusterIP);
    if (this.#state !== 'checking') return false;
    if (connected) this.#giveUp(pods);
    else this.#state = 'reachable';
    return !connected;
  }

  close(): void {
    this.#state = 'closed';
    this.#timer?.cancel();
  }

  #giveUp(pods: () => readonly Address[]): void {
    this.#state = 'unreachable';
    this.#tryLater(pods);
    this.#options.onChange(false);
  }

  #tryLater(pods: () => readonly Address[]): void {
    const { clock, random } = this.#options;
    this.#timer = clock.schedule(() => void this.#tryAgain(pods), this.#pause * (1 + random() / 4));
    this.#pause = Math.min(this.#pause * 2, LAST_PAUSE);
  }

  async #tryAgain(pods: () => readonly Address[]): Promise<void> {
    const { random } = this.#options;
    const sample = pods()
      .map((pod) => ({ pod, order: random() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, SAMPLE);
    const connected = await Promise.all(sample.map(({ pod }) => this.#canConnect(pod)));
    if (this.#state !== 'unreachable') return;
    if (!connected.includes(true)) return this.#tryLater(pods);
    this.#state = 'reachable';
    this.#options.onChange(true);
  }
}

export function canConnect({ address, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: DIAL_TIMEOUT }).unref();
    const end = (connected: boolean) => {
      socket.destroy();
      resolve(connected);
    };
    socket
      .on('connect', () => end(true))
      .on('timeout', () => end(false))
      .on('error', () => end(false));
  });
}
