import type { Clock, Timer } from '../base/clock.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Connection, Pod } from './connection.ts';
import type { Dials } from './dials.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Spread } from './spread.ts';
import type { Warmth } from './warmth.ts';

/** Milliseconds from one exploring dial to the next; fewer if connections are missing, or a new pod was found. */
const INTERVAL = 800;
const EAGER_INTERVAL = 120;
/** How many explorations for each known pod are eager. With ten pods, the last is found in 19 of 20 such series. */
const EAGER_FOR_EACH = 3;
/** With this many times more connections than wanted, the one used last is used first again. */
const CROWD = 2;

export interface PodExplorationOptions {
  set: EndpointSet<Pod>;
  board: PickerBoard<Pod>;
  dials: Dials;
  /** The traffic, and how many pods it keeps connected. */
  warmth: Warmth;
  spread: Spread;
}

type PodExplorationSettings = Pick<ConnectionSettings, 'connections' | 'maxSpread'> & {
  readonly clock: Clock;
};

/**
 * Dials a virtual IP from time to time while responses name the pods behind it, because nothing else shows that there
 * are other pods by now. It makes as many connections as evenkeel would make without names. If there are enough, each
 * new one takes the place of an idle one.
 */
export class PodExploration {
  readonly #clock: Clock;
  readonly #maxSpread: number;
  /** How many connections a pod may have. */
  readonly #limit: number;
  readonly #options: PodExplorationOptions;
  readonly #set: EndpointSet<Pod>;
  /** Called before each look: whether responses name pods may have changed. */
  readonly #onLook: () => void;
  #timer: Timer | undefined;
  /** How many eager explorations are left. Where one new pod was found, there may be more. */
  #eager = 0;
  /** Whether there were enough connections before the last exploration, and none has made room for it yet. */
  #isCrowded = false;

  constructor(settings: PodExplorationSettings, options: PodExplorationOptions, onLook: () => void) {
    this.#clock = settings.clock;
    this.#maxSpread = settings.maxSpread;
    this.#limit = settings.connections;
    this.#options = options;
    this.#set = options.set;
    this.#onLook = onLook;
  }

  /** Explores from now on, until `stop`, or until there is no traffic. */
  start(): void {
    this.stop();
    const isShort = this.#eager > 0 || this.#connected() < this.#target();
    this.#timer = this.#clock.schedule(() => this.#look(), isShort ? EAGER_INTERVAL : INTERVAL);
  }

  /** Explores from now on, unless it does already. */
  goOn(): void {
    if (this.#timer === undefined) this.start();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A pod was found that wasn't known before. */
  onFound(): void {
    this.#eager = Math.ceil(this.#set.pods.size * EAGER_FOR_EACH);
    this.start();
  }

  /** A busy connection to a pod will reach its age soon. Makes another one, unless there are more than enough. */
  renew(): void {
    if (this.#connected() <= this.#target() + this.#set.pods.size) this.#explore();
  }

  /**
   * A connection to a pod was added. If there were enough, an idle connection of this pod makes room, so that exploring
   * doesn't add connections. Connections that requests needed at the same time stay while they are used.
   */
  makeRoom(connection: Connection, pod: Pod): void {
    if (!this.#isCrowded && pod.connected <= this.#limit) return;
    this.#isCrowded = false;
    for (const other of pod.connections) {
      if (other === connection || other.retired !== undefined || other.busy) continue;
      other.retire('replaced');
      break;
    }
  }

  /** How many connections there should be. */
  #target(): number {
    return Math.min(this.#options.spread.target, this.#limit * Math.max(this.#set.pods.size, 1));
  }

  /** How many connections and dials to the virtual IP there are. */
  #connected(): number {
    let sum = this.#options.dials.fresh;
    for (const { connected } of this.#set.current.values()) sum += connected;
    for (const { connected } of this.#set.pods.values()) sum += connected;
    return sum;
  }

  /** Makes one more connection, if no dial is under way. */
  #explore(): void {
    const { board, dials } = this.#options;
    const endpoint = board.pickers.untried.pick();
    if (dials.fresh > 0 || endpoint === undefined) return;
    if (this.#eager > 0) this.#eager--;
    this.#isCrowded = this.#connected() >= this.#target();
    dials.dial(endpoint);
  }

  #look(): void {
    this.#timer = undefined;
    const { warmth, board } = this.#options;
    const { pods } = this.#set;
    this.#onLook();
    // After a pause of the traffic, the next response starts it again.
    if (!warmth.active || !this.#set.namesPods) return;
    const connected = this.#connected();
    // If there are many more, a burst has left them behind. Those that aren't needed should become idle, and close.
    board.usesConnectionsInTurn = connected <= CROWD * this.#target() + pods.size;
    if (connected < warmth.affordable && pods.size < this.#maxSpread) this.#explore();
    this.start();
  }
}
