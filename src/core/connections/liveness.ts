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

/** Milliseconds between two looks at the endpoints that something is expected of. */
const INTERVAL = 250;
/** Looks without a byte after which it is asked whether an endpoint is still there. */
const FIRST_PATIENCE = 4;
/** The same where it has said each time that it is: requests may take as long as they do. */
const LONGEST_PATIENCE = 40;
/** The same before the kernel is asked about a connection: what it has to say takes a few seconds to come about. */
const SOCKET_PATIENCE = 12;

/** Looks from one question to the kernel about an endpoint to the next. */
const ASK_EVERY = 4;

/** What has been heard of one endpoint since something was expected of it. */
interface Watched {
  heardAt: number;
  /** Connections ever made: one more is an answer too. */
  opened: number;
  /** Looks without a byte, since the last byte or the last answer to a dial. */
  silent: number;
  patience: number;
  knock: Knock | undefined;
  /** A dial was not answered. */
  unanswered: boolean;
}

/**
 * Notices endpoints that have vanished. A node that loses its power or its network leaves sockets that take
 * what is written to them for a quarter of an hour, and never say a word.
 *
 * A slow answer is no sign of that. So an endpoint that has said nothing for a while is dialled once more, and
 * gets no requests meanwhile, where others do. One that doesn't answer that either in good time may
 * be too busy to take connections. It is taken to be gone if its kernel, too, acknowledges neither what was sent
 * nor that it still has the connections, over and over; where nobody can know that, requests wait as long as they would with undici. Time is counted in
 * looks, between which what has come in was read: a process that was held up for seconds itself finds nobody
 * dead. Behind a virtual IP, each connection is looked at by itself.
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
  /** Nobody serves that is not in doubt, so that doubt is no reason to wait. */
  #doubtsAll = false;
  /** Those of which the kernel is asked next. */
  #accused: Pod[] = [];
  #timer: Timer | undefined;
  /** When the next look is due. */
  #dueAt = 0;
  #active = false;

  constructor(set: EndpointSet<Pod>, dials: Dials, transport: Transport, clock: Clock) {
    this.#set = set;
    this.#dials = dials;
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Something is expected of an endpoint from now on. */
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

  /** Whether a look is long overdue, while something is expected: this process was held up. */
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
    // Not among the carriers, which they may have left.
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

  /** Doubts keep requests from an endpoint only while there is another one for them. */
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
    // A pod behind a virtual IP can't be dialled, so that it has no dials to fail.
    if (this.#set.current.get(endpoint.key) === endpoint) this.#dials.fail(endpoint, error);
    this.#forget(endpoint, watched);
  }

  #forget(endpoint: Pod, watched: Watched): void {
    this.#watched.delete(endpoint);
    this.#onAnswer(endpoint, watched);
  }

  /** It need not be asked any more whether the endpoint is there. */
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

/** Whether a connection to the endpoint carries something. */
function isAwaited({ inFlight, lasting, connections }: Pod): boolean {
  if (inFlight + lasting === 0) return false;
  for (const { busy } of connections) if (busy) return true;
  return false;
}

/** Whether what was sent to the endpoint is not even acknowledged, though it once took the connection. */
function isStuck({ connections }: Pod, known: Unacknowledged): boolean {
  for (const { busy, wire } of connections) {
    if (busy && isAccepted(wire) && known.get(wire.ports ?? '') === true) return true;
  }
  return false;
}
