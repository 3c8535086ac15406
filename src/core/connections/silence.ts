import type { Dialer } from '../../transports/undici/dialer.ts';
import { afterIncoming, type Clock, type Timer } from '../base/clock.ts';
import { EvenkeelError } from '../base/errors.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { UNRESPONSIVE } from './connection.ts';
import { LostSockets } from './lost-sockets.ts';
import { Probe } from './presence-probe.ts';
import { SilentSockets } from './silent-sockets.ts';
import { type Unacknowledged, unacknowledged } from './unacknowledged.ts';

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

/** What the watch tells the pool, and asks of it. */
export interface SilenceOwner {
  /** Whether an endpoint is connected, and may serve for all that is known of it but silence. */
  serves(endpoint: Endpoint): boolean;
  /** Whether it is in doubt that the endpoint is there. */
  onDoubt(endpoint: Endpoint): void;
  /** The endpoint isn't there any more: nothing on its connections will be answered. */
  onGone(endpoint: Endpoint, error: Error): void;
}

/** What has been heard of one endpoint since something was expected of it. */
interface Watched {
  heardAt: number;
  /** Connections ever made: one more is an answer too. */
  opened: number;
  /** Looks without a byte, since the last byte or the last answer to a probe. */
  silent: number;
  patience: number;
  probe: Probe | undefined;
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
export class SilenceWatch {
  readonly #owner: SilenceOwner;
  /** Endpoints that may have connections. */
  readonly #carriers: Iterable<Endpoint>;
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  readonly #sockets = new SilentSockets(SOCKET_PATIENCE);
  readonly #lost = new LostSockets(FIRST_PATIENCE);
  readonly #watched = new Map<Endpoint, Watched>();
  readonly #doubted = new Set<Endpoint>();
  /** Nobody serves that is not in doubt, so that doubt is no reason to wait. */
  #doubtsAll = false;
  /** Those of which the kernel is asked next. */
  #accused: Endpoint[] = [];
  #timer: Timer | undefined;
  /** When the next look is due. */
  #dueAt = 0;
  #active = false;

  constructor(owner: SilenceOwner, carriers: Iterable<Endpoint>, dialer: Dialer, clock: Clock) {
    this.#owner = owner;
    this.#carriers = carriers;
    this.#dialer = dialer;
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

  /** Whether nobody knows at this moment if the endpoint is there, while others are. */
  doubts(endpoint: Endpoint): boolean {
    return this.#doubted.size > 0 && !this.#doubtsAll && this.#doubted.has(endpoint);
  }

  /** Whether a look is long overdue, while something is expected: this process was held up. */
  isHeldUp(now: number): boolean {
    return this.#active && now - this.#dueAt > INTERVAL / 2;
  }

  #lookLater(): void {
    this.#dueAt = this.#clock.now() + INTERVAL;
    this.#timer = this.#clock.schedule(() => afterIncoming(() => this.#look()), INTERVAL);
  }

  #look(): void {
    if (!this.#active) return;
    this.#active = false;
    // Not among the carriers, which they may have left.
    for (const [endpoint, watched] of this.#watched) {
      if (!isAwaited(endpoint)) this.#forget(endpoint, watched);
    }
    for (const endpoint of this.#carriers) {
      if (!isAwaited(endpoint)) continue;
      this.#active = true;
      const watched = this.#watched.get(endpoint);
      this.#lost.look(endpoint);
      if (!endpoint.isDialable) this.#sockets.look(endpoint);
      else if (watched === undefined) this.#begin(endpoint);
      else this.#lookAt(endpoint, watched);
    }
    if (this.#active) this.#lookLater();
    this.#weighDoubts();
    if (this.#accused.length > 0 || this.#sockets.hasSuspects || this.#lost.hasSuspects) {
      void this.#askKernel();
    }
  }

  #begin(endpoint: Endpoint): void {
    hasSpoken(endpoint);
    this.#watched.set(endpoint, {
      heardAt: this.#clock.now(),
      opened: endpoint.opened,
      silent: 0,
      patience: FIRST_PATIENCE,
      probe: undefined,
      unanswered: false,
    });
  }

  #lookAt(endpoint: Endpoint, watched: Watched): void {
    if (hasSpoken(endpoint) || endpoint.opened > watched.opened) {
      this.#onAnswer(endpoint, watched);
      watched.heardAt = this.#clock.now();
      watched.opened = endpoint.opened;
      watched.patience = FIRST_PATIENCE;
      return;
    }
    watched.silent++;
    if (watched.probe !== undefined) this.#lookAtProbe(endpoint, watched, watched.probe);
    else if (watched.silent >= watched.patience) this.#probe(endpoint, watched);
  }

  #probe(endpoint: Endpoint, watched: Watched): void {
    watched.silent = 0;
    for (const connection of endpoint.connections) if (connection.busy) connection.askKernel(true);
    this.#dial(endpoint, watched);
    this.#doubted.add(endpoint);
    this.#owner.onDoubt(endpoint);
  }

  #dial(endpoint: Endpoint, watched: Watched): void {
    watched.probe = new Probe(this.#dialer, endpoint, () => {
      watched.patience = Math.min(watched.patience * 2, LONGEST_PATIENCE);
      this.#onAnswer(endpoint, watched);
    });
  }

  #lookAtProbe(endpoint: Endpoint, watched: Watched, probe: Probe): void {
    const { silent } = watched;
    if (probe.failed || silent * INTERVAL >= this.#dialer.patience) watched.unanswered = true;
    if (!watched.unanswered || silent % ASK_EVERY !== 0) return;
    this.#accused.push(endpoint);
    if (probe.failed) this.#dial(endpoint, watched);
  }

  /** Doubts keep requests from an endpoint only while there is another one for them. */
  #weighDoubts(): void {
    let doubtsAll = this.#doubted.size > 0;
    for (const endpoint of doubtsAll ? this.#carriers : []) {
      if (!this.#doubted.has(endpoint) && this.#owner.serves(endpoint)) doubtsAll = false;
    }
    if (doubtsAll === this.#doubtsAll) return;
    this.#doubtsAll = doubtsAll;
    for (const endpoint of this.#doubted) this.#owner.onDoubt(endpoint);
  }

  async #askKernel(): Promise<void> {
    const accused = this.#accused;
    this.#accused = [];
    const known = await unacknowledged();
    this.#sockets.judge(known);
    this.#lost.judge(known);
    for (const endpoint of accused) {
      const watched = this.#watched.get(endpoint);
      if (watched?.unanswered && isStuck(endpoint, known)) this.#onGone(endpoint, watched);
    }
  }

  #onGone(endpoint: Endpoint, watched: Watched): void {
    const silence = Math.round(this.#clock.now() - watched.heardAt);
    const message = `nothing came from ${endpoint.address} for ${silence} ms, nor did it answer another dial`;
    this.#owner.onGone(endpoint, new EvenkeelError(UNRESPONSIVE, message));
    this.#forget(endpoint, watched);
  }

  #forget(endpoint: Endpoint, watched: Watched): void {
    this.#watched.delete(endpoint);
    this.#onAnswer(endpoint, watched);
  }

  /** It need not be asked any more whether the endpoint is there. */
  #onAnswer(endpoint: Endpoint, watched: Watched): void {
    watched.silent = 0;
    watched.probe?.abandon();
    watched.probe = undefined;
    watched.unanswered = false;
    if (!this.#doubted.delete(endpoint)) return;
    for (const connection of endpoint.connections) connection.askKernel(false);
    this.#owner.onDoubt(endpoint);
  }
}

/** Whether a connection to the endpoint carries something. */
function isAwaited({ inFlight, lasting, connections }: Endpoint): boolean {
  if (inFlight + lasting === 0) return false;
  for (const { busy } of connections) if (busy) return true;
  return false;
}

/** Whether a byte has come from the endpoint since the last look. */
function hasSpoken({ connections }: Endpoint): boolean {
  let spoken = false;
  for (const connection of connections) if (connection.hasSpoken()) spoken = true;
  return spoken;
}

/** Whether what was sent to the endpoint is not even acknowledged, though it once took the connection. */
function isStuck({ connections }: Endpoint, known: Unacknowledged): boolean {
  for (const { busy, isAccepted, ports = '' } of connections) {
    if (busy && isAccepted && known.get(ports) === true) return true;
  }
  return false;
}
