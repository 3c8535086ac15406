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

/** Milliseconds from one exploring dial to the next, and where connections are short or a new pod was found not long ago. */
const INTERVAL = 800;
const EAGER_INTERVAL = 120;
/** Explorations for each known pod that are eager: of ten pods, the last is found by nineteen of twenty such series. */
const EAGER_FOR_EACH = 3;
/** Statuses from here on tell of an error. */
const FIRST_ERROR = 400;
/** Requests on a connection after which it is given up to wait for a name. */
const PATIENCE = 16;
/** Characters that a name has at most. */
const LONGEST_NAME = 255;
/** Times as many connections as there are to be from which on those used last are used first, as elsewhere. */
const CROWD = 2;
/** Milliseconds for which names are not looked at that are not what they should be. */
const DISTRUST = 600_000;
/** Steps in which connections without a name may weigh less than a pod: few, so that many have the same weight. */
const WEIGHTS = 64;

export interface PodIdentityOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Dials;
  /** What traffic there is, and how many pods it keeps connected. */
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
 * Finds the pods behind a virtual IP, as far as responses name them: the first name on a connection is a fact of the
 * connection. Nobody can dial a pod: connections are made to the virtual IP, as many as without names and at a modest rate, and
 * each is given to the pod that it turns out to lead to. Those that lead to pods without a name stay where they are, and
 * have together the share that those pods have of the dials.
 *
 * One name may be what all pods share, as that of a proxy: until there is a second one, all is as without. So it is for a
 * while where names change on a connection, or where dials show that they are not those of pods.
 */
export class PodIdentity {
  readonly #header: string | false;
  readonly #maxSpread: number;
  /** Connections that a pod may have. */
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #options: PodIdentityOptions;
  readonly #set: EndpointSet<Pod>;
  readonly #census = new PodCensus();
  #distrustedUntil = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  /** Explorations left that are eager: where one new pod was found, there may be more. */
  #eager = 0;
  /** There were enough connections when the last one was made to look for pods, and none has made room for it yet. */
  #isCrowded = false;

  constructor(settings: PodIdentitySettings, options: PodIdentityOptions) {
    this.#header = identityHeaderIn(settings);
    this.#maxSpread = settings.maxSpread;
    this.#limit = settings.connections;
    this.#clock = settings.clock;
    this.#options = options;
    this.#set = options.set;
  }

  /** There is another set. Whether that has changed what is known of the pods. */
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
   * A response began on a connection, from which it may be seen to which pod that leads: says to which endpoint the
   * connection belongs now. Where this is a pod that was found out now, the requests that it carries are to be passed on.
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
      // The next one may: an error may come from what is before the pod, or before it is up.
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
    // Those that have named theirs already are given to them with their next responses.
    this.#lookAgain(this.#set.current.values());
  }

  /**
   * A connection to a pod has come. One that the pod had before, and that is idle, makes room for it where there were enough, so
   * that looking for pods leaves as many as there were. Those that requests needed at once stay as long as they are used.
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

  /** Connections that there are to be. */
  get #target(): number {
    return Math.min(this.#options.spread.target, this.#limit * Math.max(this.#set.pods.size, 1));
  }

  /** Connections, and dials, to the virtual IP. */
  get #connected(): number {
    let sum = this.#options.dials.fresh;
    for (const { connected } of this.#set.current.values()) sum += connected;
    for (const { connected } of this.#set.pods.values()) sum += connected;
    return sum;
  }

  /** A busy connection to a pod nears its end: makes another one, unless there are more than enough. */
  renew(): void {
    if (this.#connected <= this.#target + this.#set.pods.size) this.#explore();
  }

  /** Whether a connection to a pod lives on past its age: the last one does, as long as the pod has its share of the dials. */
  outlivesAge({ connected, identity }: Pod): boolean {
    return connected === 1 && this.#set.namesPods && this.#census.isSeen(identity!, this.#set.pods.size);
  }

  /** Makes one more connection, if none is being made. */
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

  /** Names are not what they should be: all is as without them, for a while. */
  #distrust(): void {
    this.#distrustedUntil = this.#clock.now() + DISTRUST;
    this.#dissolve();
  }

  /** Pods are not told apart any more. They serve until connections are there that belong to none. */
  #dissolve(): void {
    const { board, departures } = this.#options;
    if (!this.onSetChanged()) return;
    for (const slot of this.#set.current.values()) this.#options.weights.scale(slot, 1);
    board.updateAll(this.#set);
    departures.replaced([...this.#set.pods.values()], true);
  }

  /** The pod of that name, behind the virtual IP that an endpoint stands for; none where too many are known. */
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
    // Until there is a response again.
    if (!warmth.active) return;
    const connected = this.#connected;
    if (this.#census.names < 2) this.#dissolve();
    else if (!this.#census.isPlausible(new Set(pods.keys()))) this.#distrust();
    if (!this.#set.namesPods) return;
    // Many more are what a burst has left behind: those that aren't needed are to be idle.
    board.usesConnectionsInTurn = connected <= CROWD * this.#target + pods.size;
    this.#weigh();
    if (connected < warmth.affordable && pods.size < this.#maxSpread) this.#explore();
    this.#start();
  }

  /** Gives connections without a name the share that such pods have, of as many as have names. */
  #weigh(): void {
    const { weights } = this.#options;
    const slots = [...this.#set.current.values()];
    const nameless = slots.filter(isNameless);
    const share = this.#census.nameless;
    this.#noteNameless();
    const count = (this.#set.pods.size * share) / (1 - Math.min(share, 0.99));
    const weight = Math.min(Math.max(Math.round((count / nameless.length) * WEIGHTS), 1) / WEIGHTS, 1);
    for (const slot of slots) weights.scale(slot, isNameless(slot) ? weight : 1);
  }

  #noteNameless(): void {
    this.#set.hasNameless = this.#census.nameless > 0 || this.#census.names > this.#maxSpread;
  }

  /** Has the next responses of endpoints looked at once more. */
  #lookAgain(endpoints: Iterable<Pod>): void {
    for (const { connections } of endpoints) {
      for (const connection of connections)
        if (typeof connection.podName === 'string') connection.tell(false);
    }
  }
}

/** Whether an endpoint has connections whose responses have named no pod. */
function isNameless({ connections }: Pod): boolean {
  for (const { podName, retired } of connections)
    if (podName !== undefined && retired === undefined) return true;
  return false;
}

function nameIn(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME ? value : undefined;
}
