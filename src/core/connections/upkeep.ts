import type { Clock, Timer } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Health } from '../health/health.ts';
import type { Pod } from './connection.ts';
import type { Dials } from './dials.ts';
import type { Preconnect } from './preconnect.ts';
import type { Spread } from './spread.ts';
import type { Warmth } from './warmth.ts';

/** After how many 5xx in a row an endpoint makes room for another one. */
const APP_ERRORS = 3;

export interface UpkeepOptions {
  set: EndpointSet<Pod>;
  warmth: Warmth;
  preconnect: Preconnect;
  spread: Spread;
  dials: Pick<Dials, 'failing'>;
  health: Pick<Health<Pod>, 'passedOver' | 'stop'>;
  demand: Demand;
  clock: Clock;
}

/** While there is traffic, keeps as many endpoints connected as the rate of requests keeps alive. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #warmth: Warmth;
  readonly #preconnect: Preconnect;
  #timer: Timer | undefined;
  #onQuiet: (() => void) | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#warmth = options.warmth;
    this.#preconnect = options.preconnect;
  }

  /** Calls `onQuiet` when no request has come for a while. */
  watch(onQuiet: () => void): void {
    this.#onQuiet = onQuiet;
  }

  /** Requests come from now on. */
  start(): void {
    if (!this.#warmth.start()) return;
    this.#options.spread.rest();
    this.#tickLater();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#warmth.stop();
    this.#options.spread.stop();
  }

  /** Takes endpoints in and out. */
  replace(fresh: readonly Pod[], gone: readonly Pod[]): void {
    this.#warmth.replace(fresh, gone);
    this.#preconnect.onWarmthChanged(this.#warmth.resize(this.#options.demand.total, this.failing));
  }

  /** Learns from a response how long the endpoint keeps idle connections. */
  onKeepAlive(endpoint: Pod, milliseconds: number): void {
    if (milliseconds === endpoint.keepAlive) return;
    this.#preconnect.onWarmthChanged(this.#warmth.learn(endpoint, milliseconds));
  }

  /** An endpoint has answered. If it only answers with errors, and few endpoints are warm, another one takes its place. */
  onAnswer(endpoint: Pod, status: number): void {
    if (status < 500) endpoint.forgiveAppErrors();
    else if (endpoint.countAppError() % APP_ERRORS === 0) this.#warmth.rotate(endpoint);
  }

  /** How many endpoints can't be used now, because of their dials or their health. */
  get failing(): number {
    const { dials, health } = this.#options;
    return dials.failing + health.passedOver;
  }

  #tickLater(): void {
    this.#timer = this.#options.clock.schedule(() => this.#tick(), this.#warmth.step);
  }

  #tick(): void {
    const { set, spread, demand, health } = this.#options;
    const changed = this.#warmth.tick(demand.total, this.failing, () => keepAlivesOf(set));
    if (changed === undefined) {
      this.#timer = undefined;
      spread.rest();
      health.stop();
      this.#onQuiet?.();
      return;
    }
    this.#tickLater();
    this.#preconnect.onWarmthChanged(changed);
    if (this.#warmth.affordable >= 1) this.#preconnect.reconnect();
    spread.follow();
    this.#warmth.advance();
  }
}

/** How long each present endpoint keeps idle connections, in milliseconds, if it has said so. */
function* keepAlivesOf({ current }: EndpointSet<Pod>): Generator<number> {
  for (const { keepAlive } of current.values()) if (keepAlive !== undefined) yield keepAlive;
}
