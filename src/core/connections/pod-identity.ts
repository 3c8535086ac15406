import type { Clock, Timer } from '../base/clock.ts';
import { identityHeaderIn } from '../base/identity-header.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Weights } from '../endpoints/weights.ts';
import type { Connection, Pod } from './connection.ts';
import type { Departures } from './departures.ts';
import type { Dials } from './dials.ts';
import { PodCensus } from './pod-census.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Spread } from './spread.ts';
import type { Warmth } from './warmth.ts';

/** Milliseconds from one exploring dial to the next; fewer if connections are missing, or a new pod was found. */
const INTERVAL = 800;
const EAGER_INTERVAL = 120;
/** How many explorations for each known pod are eager. With ten pods, the last is found in 19 of 20 such series. */
const EAGER_FOR_EACH = 3;
/** The first status that is an error. */
const FIRST_ERROR = 400;
/** After this many requests, evenkeel no longer waits for a name on a connection. */
const PATIENCE = 16;
/** How many characters a name may have. */
const LONGEST_NAME = 255;
/** With this many times more connections than wanted, the one used last is used first again. */
const CROWD = 2;
/** For how many milliseconds evenkeel looks at no names, if they can't be names of pods. */
const DISTRUST = 600_000;
/** A larger share of dials without a name counts as this one, because the rest is a divisor. */
const MOST_NAMELESS = 0.99;
/** In how many steps the weight of nameless connections changes: few, so that many have the same weight. */
const WEIGHTS = 64;

export interface PodIdentityOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Dials;
  /** The traffic, and how many pods it keeps connected. */
  warmth: Warmth;
  spread: Spread;
  weights: Weights<Pod>;
  departures: Departures;
}

type PodIdentitySettings = Pick<ConnectionSettings, 'connections' | 'identityHeader' | 'maxSpread'> & {
  readonly policy: unknown;
  readonly clock: Clock;
};

type Headers = Record<string, string | string[] | undefined>;

/**
 * Finds the pods behind a virtual IP from names in responses. The first name on a connection says where it leads. A pod
 * can't be dialled: evenkeel dials the virtual IP, as often as without names and at a modest rate, and moves each
 * connection to the pod that it leads to. Nameless connections stay where they are. Together they get the share of
 * requests that nameless pods have of the dials.
 *
 * If there is one name only, it may be the name of a proxy: nothing changes until a second one comes. If a name changes
 * on one connection, or dials show that names aren't names of pods, evenkeel works as without names for a while.
 */
export class PodIdentity {
  readonly #header: string | false;
  readonly #maxSpread: number;
  /** How many connections a pod may have. */
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #options: PodIdentityOptions;
  readonly #set: EndpointSet<Pod>;
  readonly #census = new PodCensus();
  #distrustedUntil = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  /** How many eager explorations are left. Where one new pod was found, there may be more. */
  #eager = 0;
  /** Whether there were enough connections before the last exploration, and none has made room for it yet. */
  #isCrowded = false;

  constructor(settings: PodIdentitySettings, options: PodIdentityOptions) {
    this.#header = identityHeaderIn(settings);
    this.#maxSpread = settings.maxSpread;
    this.#limit = settings.connections;
    this.#clock = settings.clock;
    this.#options = options;
    this.#set = options.set;
  }

  /** Discovery or a name has changed what is known. Returns whether pods are told apart from now on, or no longer. */
  onSetChanged(): boolean {
    if (!this.#looks) {
      this.#census.clear();
      this.#set.hasNameless = false;
    }
    const namesPods = this.#census.names > 1;
    if (namesPods === this.#set.namesPods) return false;
    this.#set.namesPods = namesPods;
    this.#options.board.dialsLeadAnywhere = namesPods;
    if (namesPods) this.#start();
    else this.stop();
    return true;
  }

  get #looks(): boolean {
    const { isVirtual } = this.#set;
    return this.#header !== false && isVirtual && this.#clock.now() >= this.#distrustedUntil;
  }

  /**
   * A response has begun. Learns from it which pod its connection leads to. Returns the endpoint that the connection
   * belongs to now. If that has changed, the caller moves the requests that the connection carries.
   */
  identify(connection: Connection, endpoint: Pod, status: number, headers: Headers): Pod {
    if (!this.#looks || connection.retired !== undefined) return endpoint;
    const heard = nameIn(headers[this.#header as string]);
    const known = connection.podName;
    if (typeof known === 'string') {
      if (heard !== undefined && heard !== known) {
        this.#distrust();
        return endpoint;
      }
    } else if (heard === undefined) {
      // The next response may have a name: an error may come from a proxy in front of the pod, or before the pod is up.
      connection.tell(connection.requests >= PATIENCE);
      if (status < FIRST_ERROR && known === undefined) this.#learn(connection, null);
      return endpoint;
    } else {
      this.#learn(connection, heard);
    }
    if (!this.#set.namesPods) return endpoint;
    if (this.#timer === undefined) this.#start();
    if (endpoint.identity !== undefined) return endpoint;
    const pod = this.#podOf(endpoint, connection.podName!);
    if (pod === undefined) return endpoint;
    connection.hand(pod);
    this.#makeRoom(connection, pod);
    return pod;
  }

  #learn(connection: Connection, name: string | null): void {
    const isLate = connection.podName === null;
    connection.podName = name;
    if (isLate) this.#census.rename(name);
    else this.#census.add(name);
    this.#noteNameless();
    if (name === null || !this.onSetChanged()) return;
    this.#options.board.updateAll(this.#set);
    // Connections that have had a name already move to their pods with their next response.
    this.#lookAgain(this.#set.current.values());
  }

  /**
   * A connection to a pod was added. If there were enough, an idle connection of this pod makes room, so that exploring
   * doesn't add connections. Connections that requests needed at the same time stay while they are used.
   */
  #makeRoom(connection: Connection, pod: Pod): void {
    if (!this.#isCrowded && pod.connected <= this.#limit) return;
    this.#isCrowded = false;
    for (const other of pod.connections) {
      if (other === connection || other.retired !== undefined || other.busy) continue;
      other.retire('replaced');
      break;
    }
  }

  /** How many connections there should be. */
  get #target(): number {
    return Math.min(this.#options.spread.target, this.#limit * Math.max(this.#set.pods.size, 1));
  }

  /** How many connections and dials to the virtual IP there are. */
  get #connected(): number {
    let sum = this.#options.dials.fresh;
    for (const { connected } of this.#set.current.values()) sum += connected;
    for (const { connected } of this.#set.pods.values()) sum += connected;
    return sum;
  }

  /** A busy connection to a pod will reach its age soon. Makes another one, unless there are more than enough. */
  renew(): void {
    if (this.#connected <= this.#target + this.#set.pods.size) this.#explore();
  }

  /** Whether a connection lives on past its age: the last one of a pod does, while dials still lead to the pod. */
  outlivesAge({ connected, identity }: Pod): boolean {
    return connected === 1 && this.#set.namesPods && this.#census.isSeen(identity!, this.#set.pods.size);
  }

  /** Makes one more connection, if no dial is under way. */
  #explore(): void {
    const { board, dials } = this.#options;
    const endpoint = board.pickers.untried.pick();
    if (dials.fresh > 0 || endpoint === undefined) return;
    if (this.#eager > 0) this.#eager--;
    this.#isCrowded = this.#connected >= this.#target;
    dials.dial(endpoint);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The names can't be names of pods. evenkeel works as without names for a while. */
  #distrust(): void {
    this.#distrustedUntil = this.#clock.now() + DISTRUST;
    this.#dissolve();
  }

  /** Pods are no longer told apart. They serve until there are connections that belong to none of them. */
  #dissolve(): void {
    const { board, departures } = this.#options;
    if (!this.onSetChanged()) return;
    for (const slot of this.#set.current.values()) this.#options.weights.scale(slot, 1);
    board.updateAll(this.#set);
    departures.replaced([...this.#set.pods.values()], true);
  }

  /** The pod with this name, behind the virtual IP of `endpoint`; none if too many pods are known. */
  #podOf(endpoint: Pod, name: string): Pod | undefined {
    const { pods } = this.#set;
    const known = pods.get(name);
    if (known !== undefined) return known;
    if (pods.size >= this.#maxSpread) return undefined;
    const pod = this.#set.addPod(name, endpoint);
    this.#eager = Math.ceil(pods.size * EAGER_FOR_EACH);
    this.#start();
    return pod;
  }

  /** Looks after the pods from now on, until `stop`, or until there is no traffic. */
  #start(): void {
    this.stop();
    const isShort = this.#eager > 0 || this.#connected < this.#target;
    this.#timer = this.#clock.schedule(() => this.#tick(), isShort ? EAGER_INTERVAL : INTERVAL);
  }

  #tick(): void {
    this.#timer = undefined;
    const { warmth, board } = this.#options;
    const { pods } = this.#set;
    this.#lookAgain(pods.values());
    // The next response starts it again.
    if (!warmth.active) return;
    const connected = this.#connected;
    if (this.#census.names < 2) this.#dissolve();
    else if (!this.#census.isPlausible(new Set(pods.keys()))) this.#distrust();
    if (!this.#set.namesPods) return;
    // If there are many more, a burst has left them behind. Those that aren't needed should become idle, and close.
    board.usesConnectionsInTurn = connected <= CROWD * this.#target + pods.size;
    this.#weigh();
    if (connected < warmth.affordable && pods.size < this.#maxSpread) this.#explore();
    this.#start();
  }

  /** Gives nameless connections the weight that nameless pods have, compared with pods that have names. */
  #weigh(): void {
    const { weights } = this.#options;
    const slots = [...this.#set.current.values()];
    const nameless = slots.filter(isNameless);
    const share = this.#census.nameless;
    this.#noteNameless();
    const count = (this.#set.pods.size * share) / (1 - Math.min(share, MOST_NAMELESS));
    const weight = Math.min(Math.max(Math.round((count / nameless.length) * WEIGHTS), 1) / WEIGHTS, 1);
    for (const slot of slots) weights.scale(slot, isNameless(slot) ? weight : 1);
  }

  #noteNameless(): void {
    this.#set.hasNameless = this.#census.nameless > 0 || this.#census.names > this.#maxSpread;
  }

  /** Looks at the next responses of these endpoints again. */
  #lookAgain(endpoints: Iterable<Pod>): void {
    for (const { connections } of endpoints) {
      for (const connection of connections)
        if (typeof connection.podName === 'string') connection.tell(false);
    }
  }
}

/** Whether an endpoint has a connection whose responses had no name. */
function isNameless({ connections }: Pod): boolean {
  for (const { podName, retired } of connections)
    if (podName !== undefined && retired === undefined) return true;
  return false;
}

function nameIn(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME ? value : undefined;
}
