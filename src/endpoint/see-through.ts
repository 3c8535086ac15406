import type { Clock, Timer } from '../clock.ts';
import type { Connection } from '../connection/connection.ts';
import { Endpoint, type EndpointOwner } from './endpoint.ts';

/** Milliseconds from one exploring dial to the next, and where a new pod was found not long ago. */
const INTERVAL = 800;
const EAGER_INTERVAL = 120;
/** Explorations for each known pod that are eager: of ten pods, the last is found by four of five such series. */
const EAGER_FOR_EACH = 1.5;

export interface SeeThroughOptions {
  clock: Clock;
  /** Pods held at most. */
  maxSpread: number;
  /** Pods that the present rate keeps connected. */
  affordable: () => number;
  /** Makes one more connection to the virtual IP; false if one is being made. */
  explore: () => boolean;
}

/**
 * The pods behind a virtual IP, as far as the first response on each connection has named them. Nobody
 * can dial one of them: connections are made to the virtual IP at a modest rate, and each is given to
 * the pod that it turns out to lead to.
 */
export class SeeThrough {
  readonly pods = new Map<string, Endpoint>();
  readonly #owner: EndpointOwner;
  readonly #options: SeeThroughOptions;
  #timer: Timer | undefined;
  /** Explorations left that are eager: where one new pod was found, there may be more. */
  #eager = 0;

  constructor(owner: EndpointOwner, options: SeeThroughOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  /** Whether one of the pods is connected. */
  get isConnected(): boolean {
    for (const { connected } of this.pods.values()) if (connected > 0) return true;
    return false;
  }

  /** Explores from now on, until `stop`. */
  start(): void {
    const { clock } = this.#options;
    this.#timer ??= clock.schedule(() => this.#explore(), this.#eager > 0 ? EAGER_INTERVAL : INTERVAL);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /**
   * A connection made through `slot` leads to the pod of that name: gives it to that pod. One that the pod
   * had before, and that is idle, makes room for it.
   */
  identify(connection: Connection, slot: Endpoint, name: string): Endpoint {
    const known = this.pods.get(name);
    if (known === undefined && this.pods.size >= this.#options.maxSpread) return slot;
    const pod = known ?? this.#add(slot, name);
    if (known === undefined) this.#eager = Math.ceil(this.pods.size * EAGER_FOR_EACH);
    slot.hand(connection, pod);
    for (const other of pod.connections) {
      if (other === connection || other.retired !== undefined || other.busy) continue;
      other.retire('replaced');
      break;
    }
    return pod;
  }

  /** Forgets a pod without connections. */
  forgetIfClosed(pod: Endpoint): boolean {
    if (pod.identity === undefined || pod.connections.size > 0) return false;
    return this.pods.delete(pod.identity);
  }

  #add(slot: Endpoint, name: string): Endpoint {
    const pod = new Endpoint(`${slot.address}@${name}`, slot.info, this.#owner, name);
    pod.warm = true;
    this.pods.set(name, pod);
    return pod;
  }

  #explore(): void {
    const { maxSpread, affordable, explore } = this.#options;
    this.#timer = undefined;
    this.start();
    const enough = this.pods.size >= Math.min(maxSpread, affordable());
    if (enough || explore()) this.#eager--;
  }
}
