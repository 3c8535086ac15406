import type { Settings } from '../../config/settings.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { Health } from '../health/health.ts';
import type { DialPlan } from './dial-plan.ts';
import type { SeeThrough } from './see-through.ts';
import type { Warmth } from './warmth.ts';

export interface PreconnectParts {
  readonly plan: Pick<DialPlan, 'dial' | 'mayDial'>;
  readonly warmth: Pick<Warmth, 'active' | 'warm' | 'prepareRotation'>;
  readonly health: Pick<Health, 'allows'>;
  readonly seeThrough: Pick<SeeThrough, 'applies' | 'explore'>;
}

type PreconnectSettings = Pick<Settings, 'clock' | 'makeBeforeBreak' | 'random'>;

/** Up to this many endpoints are dialled at once; more are spread over `DIAL_SPREAD` milliseconds. */
const FEW = 4;
const DIAL_SPREAD = 1_000;

/** Makes connections off the request path, so that the requests to come find them ready. */
export class Preconnect {
  readonly #settings: PreconnectSettings;
  readonly #plan: PreconnectParts['plan'];
  readonly #warmth: PreconnectParts['warmth'];
  readonly #health: PreconnectParts['health'];
  readonly #seeThrough: PreconnectParts['seeThrough'];

  constructor(settings: PreconnectSettings, { plan, warmth, health, seeThrough }: PreconnectParts) {
    this.#settings = settings;
    this.#plan = plan;
    this.#warmth = warmth;
    this.#health = health;
    this.#seeThrough = seeThrough;
  }

  /** Connects those of the endpoints that are warm and have no connection, while there is traffic to keep them so. */
  connect(endpoints: readonly Endpoint[]): void {
    if (!this.#warmth.active || this.#seeThrough.applies) return;
    const { clock, random } = this.#settings;
    for (const endpoint of endpoints) {
      const dial = () => {
        if (endpoint.warm && this.#isUnconnected(endpoint) && this.#plan.mayDial(endpoint)) {
          this.#plan.dial(endpoint);
        }
      };
      if (endpoints.length <= FEW) dial();
      else clock.schedule(dial, random() * DIAL_SPREAD);
    }
  }

  /** Connects again what is warm and has lost its last connection. */
  reconnect(): void {
    this.connect(this.#warmth.warm.filter((endpoint) => this.#isUnconnected(endpoint)));
  }

  /** A busy connection nears its end: makes its successor, or one to the endpoint whose turn comes then. */
  renew(endpoint: Endpoint): void {
    if (this.#settings.makeBeforeBreak === false || !this.#health.allows(endpoint)) return;
    if (endpoint.identity !== undefined) {
      this.#seeThrough.explore();
      return;
    }
    if (endpoint.connected === 1 && this.#warmth.prepareRotation()) return;
    this.replace(endpoint);
  }

  /** Makes one more connection to an endpoint, if it may be dialled. */
  replace(endpoint: Endpoint): void {
    const { warm, backoff } = endpoint;
    if (warm && backoff === undefined && this.#plan.mayDial(endpoint)) this.#plan.dial(endpoint);
  }

  /** Whether an endpoint that could serve has no connection, nor will have. */
  #isUnconnected(endpoint: Endpoint): boolean {
    const { connected, dialing, backoff, state, fleeting } = endpoint;
    if (connected + dialing > 0 || fleeting || backoff !== undefined || state.name === 'draining')
      return false;
    return this.#health.allows(endpoint);
  }
}
