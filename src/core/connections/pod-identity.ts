import type { Clock, Timer } from '../base/clock.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Connection, Pod } from './connection.ts';
import type { Dials } from './dials.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Warmth } from './warmth.ts';

/** Milliseconds from one exploring dial to the next, and where a new pod was found not long ago. */
const INTERVAL = 800;
const EAGER_INTERVAL = 120;
/** Explorations for each known pod that are eager: of ten pods, the last is found by four of five such series. */
const EAGER_FOR_EACH = 1.5;
/** Statuses from here on tell of an error. */
const FIRST_ERROR = 400;

export interface PodIdentityOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Dials;
  /** What traffic there is, and how many pods it keeps connected. */
  warmth: Warmth;
}

type PodIdentitySettings = Pick<
  ConnectionSettings,
  'identityHeader' | 'maxSpread' | 'maxConnectionDuration'
> & {
  readonly clock: Clock;
};

/**
 * Finds the pods behind a virtual IP, as far as responses name them: the first one on a connection that does is
 * a fact of the connection. Nobody can dial a pod: connections are made to the virtual IP at a modest rate, and
 * each is given to the pod that it turns out to lead to.
 */
export class PodIdentity {
  readonly #settings: PodIdentitySettings;
  readonly #set: EndpointSet<Pod>;
  readonly #board: PickerBoard<Pod>;
  readonly #dials: Dials;
  readonly #warmth: Warmth;
  #nameless = false;
  #timer: Timer | undefined;
  /** Explorations left that are eager: where one new pod was found, there may be more. */
  #eager = 0;

  constructor(settings: PodIdentitySettings, { set, board, dials, warmth }: PodIdentityOptions) {
    this.#settings = settings;
    this.#set = set;
    this.#board = board;
    this.#dials = dials;
    this.#warmth = warmth;
  }

  /** There is another set. Whether that has changed what is known of the pods. */
  onSetChanged(): boolean {
    const namesPods = this.#looks && !this.#nameless;
    if (namesPods === this.#set.namesPods) return false;
    this.#set.namesPods = namesPods;
    this.#board.dialsLeadAnywhere = namesPods;
    return true;
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
    endpoint: Pod,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): Pod {
    if (!this.#looks || endpoint.identity !== undefined || connection.retired !== undefined) return endpoint;
    const name = headers[this.#settings.identityHeader!];
    if (typeof name !== 'string' || name === '') {
      // The next one may: an error may come from what is before the pod, or before it is up.
      connection.tell(false);
      if (status < FIRST_ERROR) this.#notice(true);
      return endpoint;
    }
    this.#notice(false);
    const pod = this.#podOf(endpoint, name);
    if (pod === undefined) return endpoint;
    connection.hand(pod);
    // As long as there is one name, it may be what all pods share: of their proxy, say.
    if (this.#set.pods.size > 1) this.#settle(connection, pod);
    this.#start();
    return pod;
  }

  /** A connection to a pod is there to stay. One that the pod had before, and that is idle, makes room for it. */
  #settle(connection: Connection, pod: Pod): void {
    if (this.#settings.maxConnectionDuration === undefined) connection.keep();
    for (const other of pod.connections) {
      if (other === connection || other.retired !== undefined || other.busy) continue;
      other.retire('replaced');
      break;
    }
  }

  /** Makes one more connection, unless there is no traffic any more. False if one is being made. */
  explore(): boolean {
    if (!this.#warmth.active) {
      this.stop();
      return true;
    }
    const endpoint = this.#board.pickers.untried.pick();
    if (this.#dials.fresh > 0 || endpoint === undefined) return false;
    this.#dials.dial(endpoint);
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
    if (this.onSetChanged()) this.#board.updateAll(this.#set);
  }

  /** The pod of that name, behind the virtual IP that an endpoint stands for; none where too many are known. */
  #podOf(endpoint: Pod, name: string): Pod | undefined {
    const { pods } = this.#set;
    const known = pods.get(name);
    if (known !== undefined || pods.size >= this.#settings.maxSpread) return known;
    const pod = this.#set.addPod(name, endpoint);
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
