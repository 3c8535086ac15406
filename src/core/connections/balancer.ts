import type { Observation } from '../balancing/picker.ts';
import type { PickerBoard } from '../endpoints/board.ts';
import type { Pickers } from '../endpoints/pickers.ts';
import type { Capacity } from './capacity.ts';
import type { Connection, Pod } from './connection.ts';
import type { DialPlan } from './dial-plan.ts';
import type { Dials } from './dials.ts';
import type { Repeatable } from './idle-life.ts';
import type { Liveness } from './liveness.ts';
import type { Preconnect } from './preconnect.ts';
import type { Reach } from './reach.ts';

export interface BalancerOptions {
  board: PickerBoard<Pod>;
  capacity: Pick<Capacity, 'isOtherBusy'>;
  plan: Pick<DialPlan, 'dialAhead' | 'dialFor' | 'dialInTurn' | 'dialNext' | 'dialSuccessor'>;
  dials: Pick<Dials, 'fresh'>;
  reach: Pick<Reach, 'mayDialNext'>;
  preconnect: Pick<Preconnect, 'consider'>;
  liveness: Pick<Liveness, 'start'>;
}

/** Gives each request to an endpoint that has a free connection. */
export class Balancer {
  readonly #board: PickerBoard<Pod>;
  readonly #pickers: Pickers<Pod>;
  readonly #capacity: BalancerOptions['capacity'];
  readonly #plan: BalancerOptions['plan'];
  readonly #dials: BalancerOptions['dials'];
  readonly #reach: BalancerOptions['reach'];
  readonly #preconnect: BalancerOptions['preconnect'];
  readonly #liveness: BalancerOptions['liveness'];

  constructor(options: BalancerOptions) {
    this.#board = options.board;
    this.#pickers = options.board.pickers;
    this.#capacity = options.capacity;
    this.#plan = options.plan;
    this.#dials = options.dials;
    this.#reach = options.reach;
    this.#preconnect = options.preconnect;
    this.#liveness = options.liveness;
  }

  /** The endpoint that serves a request, with a connection ready for it; none if the request has to wait. */
  pick(now: number, request?: Repeatable): Pod | undefined {
    const { ready } = this.#pickers;
    for (let best = ready.pick(); best !== undefined; best = ready.pick()) {
      if (best.isReady(now, request)) return best;
    }
    return undefined;
  }

  /**
   * The same for a request that has failed at some endpoints. Returns another endpoint if there is one; 'soon' if that
   * takes a dial; none if all have failed since the moment `since`.
   */
  pickOther(failed: readonly Pod[], now: number, since: number): Pod | 'soon' | undefined {
    this.#board.without(failed);
    const other = this.pick(now) ?? (this.#connectsOther(failed) ? 'soon' : undefined);
    this.#board.updateAll(failed);
    return other ?? this.pick(now) ?? (this.#plan.dialFor(1, since) ? 'soon' : undefined);
  }

  /** Gives a request to an endpoint that was just picked. */
  begin(endpoint: Pod): Connection {
    const rival = this.#pickers.rivalOf(endpoint);
    // If it is in another zone, it comes before the picked endpoint, however many dials to it are under way.
    if (rival !== undefined && rival.dialing <= endpoint.inFlight) this.#plan.dialAhead(rival);
    this.#preconnect.consider(endpoint.load);
    this.#pickers.ready.used(endpoint);
    this.#liveness.start();
    const connection = endpoint.begin();
    // This connection won't last. Without another one, the endpoint would miss its next turn.
    if (endpoint.fleeting && !connection.multiplexed && this.#reach.mayDialNext(endpoint))
      this.#plan.dialSuccessor(endpoint);
    return connection;
  }

  /**
   * An endpoint that doesn't keep connections has lost one. If it has the least load, it is dialled now. Otherwise it
   * would miss its turn at the next request.
   */
  onLost(endpoint: Pod): void {
    const { ready, dialable } = this.#pickers;
    if (endpoint.picker !== dialable) return;
    const best = ready.pick();
    if (best === undefined || !dialable.before(best, endpoint)) this.#plan.dialInTurn(endpoint);
  }

  /** Gives a request to the endpoint that its key leads to, which is ready. */
  beginBound(endpoint: Pod): Connection {
    this.#pickers.ready.used(endpoint);
    this.#liveness.start();
    return endpoint.begin();
  }

  /** Whether the policy wants to know how requests go. */
  get observes(): boolean {
    return this.#pickers.observes;
  }

  /** Tells the policy how a request went, `latency` milliseconds after it was sent. */
  observe(endpoint: Pod, latency: number, observation: Observation): void {
    this.#pickers.observe(endpoint, latency, observation);
  }

  /** Whether another endpoint will have a free connection. Dials it now, if no dial is under way. */
  #connectsOther(failed: readonly Pod[]): boolean {
    const toFailed = failed.reduce((sum, { dialing }) => sum + dialing, 0);
    if (this.#dials.fresh > toFailed) return true;
    return this.#plan.dialNext() || this.#capacity.isOtherBusy(failed);
  }
}
