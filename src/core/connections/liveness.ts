import { afterIncoming, type Clock, type Timer } from '../base/clock.ts';
import { UnresponsiveError } from '../base/errors.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import { IN_DOUBT } from '../endpoints/reasons.ts';
import type { Pod } from './connection.ts';
import type { Dials } from './dials.ts';
import { Hearing, isAccepted } from './hearing.ts';
import { Knock } from './knock.ts';
import { LostSockets } from './lost-sockets.ts';
import { SilentSockets } from './silent-sockets.ts';
import type { Transport } from './transport.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/** Milliseconds from one look at the endpoints that owe a response to the next. */
const INTERVAL = 250;
/** After this many silent looks, evenkeel asks whether an endpoint is still there. */
const FIRST_PATIENCE = 4;
/** The same for an endpoint that has answered each time: its requests may take long. */
const LONGEST_PATIENCE = 40;
/** The same before evenkeel asks the kernel about a connection. The kernel needs a few seconds to notice. */
const SOCKET_PATIENCE = 12;

/** How many looks there are between two questions to the kernel about an endpoint. */
const ASK_EVERY = 4;

/** What was heard of one endpoint since it owes a response. */
interface Watched {
  heardAt: number;
  /** How many connections were ever made. One more is an answer too. */
  opened: number;
  /** How many looks have passed since the last byte, or since the last answer to a dial. */
  silent: number;
  patience: number;
  knock: Knock | undefined;
  /** Whether a dial was not answered. */
  unanswered: boolean;
}

/**
 * Notices endpoints that have vanished. If a node loses its power or its network, its sockets still accept what is
 * written to them for a quarter of an hour, and never answer.
 *
 * A slow answer is no sign of that. So if an endpoint is silent for a while, evenkeel dials it once more, and gives it
 * no requests meanwhile, if other endpoints serve. If it doesn't answer the dial in time either, it may be too busy to
 * accept connections. It is gone if its kernel, again and again, acknowledges neither what was sent nor that the
 * connections still exist. If nobody can know that, requests wait as long as with a stock client. Time is counted in
 * looks, and before each look all input is read: so if this process itself stood still for seconds, it takes no
 * endpoint for dead. Behind a virtual IP, each connection is looked at alone.
 */
export class Liveness {
  readonly #set: EndpointSet<Pod>;
  readonly #dials: Dials;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #hearing = new Hearing();
  readonly #sockets = new SilentSockets(SOCKET_PATIENCE, this.#hearing);
  readonly #lost = new LostSockets(FIRST_PATIENCE);
  readonly #watched = new Map<Pod, Watched>();
  readonly #doubted = new Set<Pod>();
  /** Whether all endpoints that could serve are in doubt. Then doubt keeps no requests away. */
  #doubtsAll = false;
  /** The endpoints about which the kernel is asked next. */
  #accused: Pod[] = [];
  #timer: Timer | undefined;
  /** When the next look is due, on the clock. */
  #dueAt = 0;
  #active = false;

  constructor(set: EndpointSet<Pod>, dials: Dials, transport: Transport, clock: Clock) {
    this.#set = set;
    this.#dials = dials;
    this.#transport = transport;
    this.#clock = clock;
  }

  /** An endpoint owes a response from now on. */
  start(): void {
    if (this.#active) return;
    this.#active = true;
    this.#lookLater();
  }

  stop(): void {
    this.#active = false;
    this.#timer?.cancel();
    for (const [endpoint, watched] of this.#watched) this.#forget(endpoint, watched);
  }

  /** Whether a look is long overdue, so that this process stood still. */
  isHeldUp(now: number): boolean {
    return this.#active && now - this.#dueAt > INTERVAL / 2;
  }

  #lookLater(): void {
    this.#dueAt = this.#clock.now() + INTERVAL;
    this.#timer = this.#clock.schedule(() => afterIncoming(this.#clock, () => this.#look()), INTERVAL);
  }

  #look(): void {
    if (!this.#active) return;
    this.#active = false;
    // Looks at all watched ones, because some may no longer carry anything.
    for (const [endpoint, watched] of this.#watched) {
      if (!isAwaited(endpoint)) this.#forget(endpoint, watched);
    }
    for (const endpoint of this.#set) {
      if (!isAwaited(endpoint)) continue;
      this.#active = true;
      const watched = this.#watched.get(endpoint);
      this.#lost.look(endpoint);
      if (!endpoint.isDialable) this.#sockets.look(endpoint);
      else if (watched === undefined) this.#begin(endpoint);
      else this.#lookAt(endpoint, watched);
    }
    if (this.#active) this.#lookLater();
    this.#reviewDoubts();
    if (this.#accused.length > 0 || this.#sockets.hasSuspects || this.#lost.hasSuspects) {
      void this.#askKernel();
    }
  }

  #begin(endpoint: Pod): void {
    this.#hasSpoken(endpoint);
    this.#watched.set(endpoint, {
      heardAt: this.#clock.now(),
      opened: endpoint.opened,
      silent: 0,
      patience: FIRST_PATIENCE,
      knock: undefined,
      unanswered: false,
    });
  }

  #lookAt(endpoint: Pod, watched: Watched): void {
    if (this.#hasSpoken(endpoint) || endpoint.opened > watched.opened) {
      this.#onAnswer(endpoint, watched);
      watched.heardAt = this.#clock.now();
      watched.opened = endpoint.opened;
      watched.patience = FIRST_PATIENCE;
      return;
    }
    watched.silent++;
    if (watched.knock !== undefined) this.#lookAtKnock(endpoint, watched, watched.knock);
    else if (watched.silent >= watched.patience) this.#doubt(endpoint, watched);
  }

  /** Whether a byte has come from the endpoint since the last look. */
  #hasSpoken({ connections }: Pod): boolean {
    let spoken = false;
    for (const { wire } of connections) if (this.#hearing.hasSpoken(wire)) spoken = true;
    return spoken;
  }

  #doubt(endpoint: Pod, watched: Watched): void {
    watched.silent = 0;
    for (const connection of endpoint.connections) if (connection.busy) connection.wire.askKernel(true);
    this.#dial(endpoint, watched);
    this.#doubted.add(endpoint);
    endpoint.barIf(!this.#doubtsAll, IN_DOUBT);
  }

  #dial(endpoint: Pod, watched: Watched): void {
    watched.knock = new Knock(this.#transport, endpoint, () => {
      watched.patience = Math.min(watched.patience * 2, LONGEST_PATIENCE);
      this.#onAnswer(endpoint, watched);
    });
  }

  #lookAtKnock(endpoint: Pod, watched: Watched, knock: Knock): void {
    const { silent } = watched;
    if (knock.failed || silent * INTERVAL >= this.#transport.patience) watched.unanswered = true;
    if (!watched.unanswered || silent % ASK_EVERY !== 0) return;
    this.#accused.push(endpoint);
    if (knock.failed) this.#dial(endpoint, watched);
  }

  /** Doubt keeps requests from an endpoint only while another endpoint can serve them. */
  #reviewDoubts(): void {
    let doubtsAll = this.#doubted.size > 0;
    for (const endpoint of doubtsAll ? this.#set : []) {
      if (!this.#doubted.has(endpoint) && endpoint.serves) doubtsAll = false;
    }
    if (doubtsAll === this.#doubtsAll) return;
    this.#doubtsAll = doubtsAll;
    for (const endpoint of this.#doubted) endpoint.barIf(!doubtsAll, IN_DOUBT);
  }

  async #askKernel(): Promise<void> {
    const accused = this.#accused;
    this.#accused = [];
    const known = await this.#transport.unacknowledged();
    this.#sockets.judge(known);
    this.#lost.judge(known);
    for (const endpoint of accused) {
      const watched = this.#watched.get(endpoint);
      if (watched?.unanswered && isStuck(endpoint, known)) this.#onGone(endpoint, watched);
    }
  }

  #onGone(endpoint: Pod, watched: Watched): void {
    const silence = Math.round(this.#clock.now() - watched.heardAt);
    const message = `nothing came from ${endpoint.address} for ${silence} ms, nor did it answer another dial`;
    const error = new UnresponsiveError(message);
    this.#dials.abandon(endpoint);
    for (const connection of endpoint.connections) connection.destroy(error);
    // A pod behind a virtual IP can't be dialled, so it has no dials that fail.
    if (this.#set.current.get(endpoint.key) === endpoint) this.#dials.fail(endpoint, error);
    this.#forget(endpoint, watched);
  }

  #forget(endpoint: Pod, watched: Watched): void {
    this.#watched.delete(endpoint);
    this.#onAnswer(endpoint, watched);
  }

  /** The endpoint has answered, so there is nothing to ask. */
  #onAnswer(endpoint: Pod, watched: Watched): void {
    watched.silent = 0;
    watched.knock?.abandon();
    watched.knock = undefined;
    watched.unanswered = false;
    if (!this.#doubted.delete(endpoint)) return;
    for (const connection of endpoint.connections) connection.wire.askKernel(false);
    endpoint.lift(IN_DOUBT);
  }
}

/** Whether a connection of the endpoint carries something. */
function isAwaited({ inFlight, lasting, connections }: Pod): boolean {
  if (inFlight + lasting === 0) return false;
  for (const { busy } of connections) if (busy) return true;
  return false;
}

/** Whether the endpoint doesn't even acknowledge what was sent, although it once accepted the connection. */
function isStuck({ connections }: Pod, known: Unacknowledged): boolean {
  for (const { busy, wire } of connections) {
    if (busy && isAccepted(wire) && known.get(wire.ports ?? '') === true) return true;
  }
  return false;
}
