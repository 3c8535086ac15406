import type { Settings } from '../../config/settings.ts';
import type { Timer } from '../base/clock.ts';
import { Endpoint, type EndpointOwner } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Connection } from './connection.ts';

/** Milliseconds from one exploring dial to the next, and where a new pod was found not long ago. */
const INTERVAL = 800;
const EAGER_INTERVAL = 120;
/** Explorations for each known pod that are eager: of ten pods, the last is found by four of five such series. */
const EAGER_FOR_EACH = 1.5;
/** Statuses from here on tell of an error. */
const FIRST_ERROR = 400;

/** What seeing through tells the pool, and asks of it. */
export interface SeeThroughOwner extends EndpointOwner {
  /** Makes one more connection to the virtual IP; false if one is being made. */
  explore(): boolean;
  /** The pods don't say who they are, and slots of the virtual IP are all that there is; or they do after all. */
  onSeeThroughChanged(): void;
}

export interface SeeThroughParts {
  readonly set: EndpointSet;
  /** What traffic there is, and how many pods it keeps connected. */
  readonly warmth: { readonly active: boolean; readonly affordable: number };
}

type SeeThroughSettings = Pick<Settings, 'clock' | 'identityHeader' | 'maxSpread' | 'maxConnectionDuration'>;

/**
 * Finds the pods behind a virtual IP, as far as responses name them: the first one on a connection that does is
 * a fact of the connection. Nobody can dial a pod: connections are made to the virtual IP at a modest rate, and
 * each is given to the pod that it turns out to lead to.
 */
export class SeeThrough {
  readonly #owner: SeeThroughOwner;
  readonly #settings: SeeThroughSettings;
  readonly #set: EndpointSet;
  readonly #warmth: SeeThroughParts['warmth'];
  #nameless = false;
  #timer: Timer | undefined;
  /** Explorations left that are eager: where one new pod was found, there may be more. */
  #eager = 0;

  constructor(owner: SeeThroughOwner, settings: SeeThroughSettings, { set, warmth }: SeeThroughParts) {
    this.#owner = owner;
    this.#settings = settings;
    this.#set = set;
    this.#warmth = warmth;
  }

  /** Whether responses tell which pod a connection leads to, for all we know. */
  get applies(): boolean {
    return this.#looks && !this.#nameless;
  }

  get #looks(): boolean {
    return this.#settings.identityHeader !== undefined && this.#set.isVirtual;
  }

  /**
   * A response began on a connection that no response has named the pod of: says to which endpoint the connection
   * belongs now. Where this one names a pod, it is given to the pod, to which the requests that it carries are to be
   * passed on.
   */
  identify(
    connection: Connection,
    endpoint: Endpoint,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): Endpoint {
    if (!this.#looks || endpoint.identity !== undefined || connection.retired !== undefined) return endpoint;
    const name = headers[this.#settings.identityHeader!];
    if (typeof name !== 'string' || name === '') {
      // The next one may: an error may come from what is before the pod, or before it is up.
      connection.told = false;
      if (status < FIRST_ERROR) this.#notice(true);
      return endpoint;
    }
    this.#notice(false);
    const pod = this.#podOf(endpoint, name);
    if (pod === undefined) return endpoint;
    endpoint.hand(connection, pod);
    // As long as there is one name, it may be what all pods share: of their proxy, say.
    if (this.#set.pods.size > 1) this.#settle(connection, pod);
    this.#start();
    return pod;
  }

  /** A connection to a pod is there to stay. One that the pod had before, and that is idle, makes room for it. */
  #settle(connection: Connection, pod: Endpoint): void {
    if (this.#settings.maxConnectionDuration === undefined) connection.keep();
    for (const other of pod.connections) {
      if (other === connection || other.retired !== undefined || other.busy) continue;
      other.retire('replaced');
      break;
    }
  }

  /** Makes one more connection, unless there is no traffic any more. False if one is being made. */
  explore(): boolean {
    if (this.#warmth.active) return this.#owner.explore();
    this.stop();
    return true;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A response has named no pod, or one. If none has, there's nothing to see for now. */
  #notice(nameless: boolean): void {
    if (nameless === this.#nameless || (nameless && this.#set.pods.size > 0)) return;
    this.#nameless = nameless;
    this.#owner.onSeeThroughChanged();
  }

  /** The pod of that name, behind the virtual IP of a slot; none where too many are known. */
  #podOf(slot: Endpoint, name: string): Endpoint | undefined {
    const { pods } = this.#set;
    const known = pods.get(name);
    if (known !== undefined || pods.size >= this.#settings.maxSpread) return known;
    const pod = new Endpoint(`${slot.address}@${name}`, slot.info, this.#owner, name);
    pod.warm = true;
    pods.set(name, pod);
    this.#eager = Math.ceil(pods.size * EAGER_FOR_EACH);
    return pod;
  }

  /** Explores from now on, until `stop`. */
  #start(): void {
    const { clock } = this.#settings;
    this.#timer ??= clock.schedule(() => this.#tick(), this.#eager > 0 ? EAGER_INTERVAL : INTERVAL);
  }

  #tick(): void {
    this.#timer = undefined;
    this.#start();
    const enough = this.#set.pods.size >= Math.min(this.#settings.maxSpread, this.#warmth.affordable);
    if (enough || this.explore()) this.#eager--;
  }
}
