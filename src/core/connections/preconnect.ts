import type { Clock } from '../base/clock.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Pod } from './connection.ts';
import type { Dials } from './dials.ts';
import type { PodIdentity } from './pod-identity.ts';
import type { Reach } from './reach.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Warmth } from './warmth.ts';

type PreconnectSettings = Pick<ConnectionSettings, 'makeBeforeBreak'> & {
  readonly clock: Clock;
  readonly random: () => number;
};

export interface PreconnectOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  warmth: Warmth;
  dials: Dials;
  reach: Reach;
  identity: PodIdentity;
}

/** Up to this many endpoints are dialled at once. Dials to more are spread over some time, at most `DIAL_SPREAD` milliseconds. */
const FEW = 4;
const DIAL_SPREAD = 1_000;
/** Milliseconds for each dial where no endpoint is connected. */
const DIAL_INTERVAL = 10;

/** Makes connections ahead of requests, so that requests find them ready. */
export class Preconnect {
  readonly #settings: PreconnectSettings;
  readonly #set: EndpointSet<Pod>;
  readonly #board: PickerBoard<Pod>;
  readonly #warmth: Warmth;
  readonly #dials: Dials;
  readonly #reach: Reach;
  readonly #identity: PodIdentity;

  constructor(
    settings: PreconnectSettings,
    { set, board, warmth, dials, reach, identity }: PreconnectOptions,
  ) {
    this.#settings = settings;
    this.#set = set;
    this.#board = board;
    this.#warmth = warmth;
    this.#dials = dials;
    this.#reach = reach;
    this.#identity = identity;
  }

  /** Connects those of the endpoints that are warm and have no connection, if there is traffic. */
  connect(endpoints: readonly Pod[]): void {
    if (!this.#warmth.active || this.#set.namesPods) return;
    const { clock, random } = this.#settings;
    const spread = endpoints.length <= FEW ? 0 : this.#spreadOf(endpoints.length);
    for (const endpoint of endpoints) {
      const dial = () => {
        if (endpoint.warm && isUnconnected(endpoint) && this.#reach.mayDial(endpoint)) {
          this.#dials.dial(endpoint);
        }
      };
      if (spread === 0) dial();
      else clock.schedule(dial, random() * spread);
    }
  }

  /**
   * Over how many milliseconds so many dials are spread. The fewer endpoints are connected, the shorter that is: all
   * requests go to those that are, meanwhile.
   */
  #spreadOf(dials: number): number {
    const { warm } = this.#warmth;
    const connected = warm.reduce((sum, endpoint) => (endpoint.connected > 0 ? sum + 1 : sum), 0);
    return Math.min(DIAL_SPREAD, Math.max(dials * DIAL_INTERVAL, (DIAL_SPREAD * connected) / warm.length));
  }

  /** Connects warm endpoints again that have lost their last connection. */
  reconnect(): void {
    this.connect(this.#warmth.warm.filter(isUnconnected));
  }

  /** These endpoints have become warm, or cold. */
  onWarmthChanged(endpoints: readonly Pod[]): void {
    if (endpoints.length === 0) return;
    this.connect(endpoints);
    if (endpoints.some(({ picker }) => picker === this.#board.pickers.ready)) this.#board.wakeLater();
  }

  /** Warms one more endpoint, if there is one. */
  grow(): boolean {
    const endpoint = this.#warmth.grow();
    if (endpoint !== undefined) this.onWarmthChanged([endpoint]);
    return endpoint !== undefined;
  }

  /** A request goes to an endpoint with this load. If the endpoint isn't idle, one more is needed. */
  consider(load: number): void {
    if (this.#warmth.isShort(load)) this.grow();
  }

  /** Whether a connection that is made ahead of requests will probably be used. */
  isWorthwhile(endpoint: Pod): boolean {
    return this.#reach.mayReach(endpoint) && this.#warmth.isWorthwhile(endpoint) && !endpoint.passesOver();
  }

  /** A busy connection will reach its age soon. Makes its successor, or warms the endpoint whose turn comes next. */
  renew(endpoint: Pod): void {
    if (this.#settings.makeBeforeBreak === false || !endpoint.isHealthy) return;
    if (endpoint.identity !== undefined) {
      this.#identity.renew();
      return;
    }
    const next = endpoint.connected === 1 ? this.#warmth.prepareRotation() : undefined;
    if (next === undefined) this.replace(endpoint);
    else this.onWarmthChanged([next]);
  }

  /** Makes one more connection to an endpoint, if it may be dialled. */
  replace(endpoint: Pod): void {
    if (endpoint.warm && endpoint.backoff === undefined && this.#reach.mayDial(endpoint)) {
      this.#dials.dial(endpoint);
    }
  }
}

/** Whether a healthy endpoint has no connection, and none is being made. */
function isUnconnected(endpoint: Pod): boolean {
  const { connected, dialing, backoff, isDraining, fleeting } = endpoint;
  if (connected + dialing > 0 || fleeting || backoff !== undefined || isDraining) return false;
  return endpoint.isHealthy;
}
