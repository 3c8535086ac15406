import type { Clock } from '../base/clock.ts';
import { identityHeaderIn } from '../base/identity-header.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Weights } from '../endpoints/weights.ts';
import type { Connection, Pod } from './connection.ts';
import type { Departures } from './departures.ts';
import { PodCensus } from './pod-census.ts';
import { PodExploration, type PodExplorationOptions } from './pod-exploration.ts';
import type { ConnectionSettings } from './settings.ts';

/** The first status that is an error. */
const FIRST_ERROR = 400;
/** After this many requests, evenkeel no longer waits for a name on a connection. */
const PATIENCE = 16;
/** How many characters a name may have. */
const LONGEST_NAME = 255;
/** For how many milliseconds evenkeel looks at no names, if they can't be names of pods. */
const DISTRUST = 600_000;
/** A larger share of dials without a name counts as this one, because the rest is a divisor. */
const MOST_NAMELESS = 0.99;
/** In how many steps the weight of nameless connections changes: few, so that many have the same weight. */
const WEIGHTS = 64;

export interface PodIdentityOptions extends PodExplorationOptions {
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
 * can't be dialled: evenkeel dials the virtual IP (`pod-exploration.ts`), and moves each connection to the pod that it
 * leads to. Nameless connections stay where they are. Together they get the share of requests that nameless pods have of
 * the dials.
 *
 * If there is one name only, it may be the name of a proxy: nothing changes until a second one comes. If a name changes
 * on one connection, or dials show that names aren't names of pods, evenkeel works as without names for a while.
 */
export class PodIdentity {
  readonly #header: string | false;
  readonly #maxSpread: number;
  readonly #clock: Clock;
  readonly #options: PodIdentityOptions;
  readonly #set: EndpointSet<Pod>;
  readonly #census = new PodCensus();
  #distrustedUntil = Number.NEGATIVE_INFINITY;
  readonly #exploration: PodExploration;

  constructor(settings: PodIdentitySettings, options: PodIdentityOptions) {
    this.#header = identityHeaderIn(settings);
    this.#maxSpread = settings.maxSpread;
    this.#clock = settings.clock;
    this.#options = options;
    this.#set = options.set;
    this.#exploration = new PodExploration(settings, options, () => this.#review());
  }

  /** Discovery or a name has changed what is known. Returns whether pods are told apart from now on, or no longer. */
  onSetChanged(): boolean {
    if (!this.#looks()) {
      this.#census.clear();
      this.#set.hasNameless = false;
    }
    const namesPods = this.#census.names > 1;
    if (namesPods === this.#set.namesPods) return false;
    this.#set.namesPods = namesPods;
    this.#options.board.dialsLeadAnywhere = namesPods;
    if (namesPods) this.#exploration.start();
    else this.stop();
    return true;
  }

  #looks(): boolean {
    const { isVirtual } = this.#set;
    return this.#header !== false && isVirtual && this.#clock.now() >= this.#distrustedUntil;
  }

  /**
   * A response has begun. Learns from it which pod its connection leads to. Returns the endpoint that the connection
   * belongs to now. If that has changed, the caller moves the requests that the connection carries.
   */
  identify(connection: Connection, endpoint: Pod, status: number, headers: Headers): Pod {
    if (!this.#looks() || connection.retired !== undefined) return endpoint;
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
    this.#exploration.goOn();
    if (endpoint.identity !== undefined) return endpoint;
    const pod = this.#podOf(endpoint, connection.podName!);
    if (pod === undefined) return endpoint;
    connection.hand(pod);
    this.#exploration.makeRoom(connection, pod);
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

  /** A busy connection to a pod will reach its age soon. Makes another one, unless there are more than enough. */
  renew(): void {
    this.#exploration.renew();
  }

  /** Whether a connection lives on past its age: the last one of a pod does, while dials still lead to the pod. */
  outlivesAge({ connected, identity }: Pod): boolean {
    return connected === 1 && this.#set.namesPods && this.#census.isSeen(identity!, this.#set.pods.size);
  }

  stop(): void {
    this.#exploration.stop();
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
    this.#exploration.onFound();
    return pod;
  }

  /** Looks at the names again, before each exploration: pods may have left, or may never have been pods. */
  #review(): void {
    const { pods } = this.#set;
    this.#lookAgain(pods.values());
    if (!this.#options.warmth.active) return;
    if (this.#census.names < 2) this.#dissolve();
    else if (!this.#census.isPlausible(new Set(pods.keys()))) this.#distrust();
    if (this.#set.namesPods) this.#weigh();
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
