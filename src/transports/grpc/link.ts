import { type Clock, queueMicrotask } from '../../core/base/clock.ts';
import type { GrpcSlot } from './grpc-endpoint.ts';
import { type ChannelArgs, type ChannelHelper, STATES, type Subchannel } from './grpc-js.ts';
import { isConnected, streamLimitOf } from './session.ts';

/** The channel argument with the slot's key: grpc-js has one connection for each set of arguments. */
const SLOT_ARG = 'evenkeel.slot';
/** From so many calls at a time on, every so many calls, the server's limit is read again. */
const LOOK_AGAIN = 8;
/** After so many milliseconds, a connection that is being made no longer counts. */
const PATIENCE = 1_000;

/**
 * A slot in one channel: its subchannel.
 *
 * `idle`: not connected, and not dialled. `connecting`. `ready`: it takes calls. `down`: the last dial failed, and
 * grpc-js dials again after a while.
 */
export class Link {
  readonly slot: GrpcSlot;
  readonly subchannel: Subchannel;
  state: 'idle' | 'connecting' | 'ready' | 'down' = 'idle';
  /** When it was last dialled, on the clock. */
  #dialledAt: number;
  #isDropped = false;
  readonly #clock: Clock;
  readonly #helper: ChannelHelper;
  readonly #onChanged: (link: Link, error: string | undefined) => void;

  constructor(
    slot: GrpcSlot,
    helper: ChannelHelper,
    args: ChannelArgs,
    clock: Clock,
    onChanged: (link: Link, error: string | undefined) => void,
  ) {
    const { address, port } = slot.endpoint.info;
    this.slot = slot;
    this.#clock = clock;
    this.#dialledAt = clock.now();
    this.#helper = helper;
    this.#onChanged = onChanged;
    this.subchannel = helper.createSubchannel(
      { host: address, port },
      { ...args, [SLOT_ARG]: slot.key },
      null,
    );
    this.subchannel.ref();
    helper.addChannelzChild(this.subchannel.getChannelzRef());
    this.subchannel.addConnectivityStateListener(this.#onState);
    this.state = stateOf(this.subchannel.getConnectivityState());
  }

  /**
   * Whether it takes a call. A link that isn't ready must not be picked: grpc-js would pick again and again in the same
   * turn.
   */
  get isReady(): boolean {
    return this.state === 'ready' && isConnected(this.subchannel);
  }

  /** How many milliseconds ago it was last dialled. */
  get sinceDialled(): number {
    return this.#clock.now() - this.#dialledAt;
  }

  /** Whether it may be ready soon. */
  get isComing(): boolean {
    const { state } = this;
    if (state !== 'connecting' && state !== 'idle') return false;
    return this.sinceDialled < PATIENCE;
  }

  connect(): void {
    if (this.state !== 'ready') this.subchannel.startConnecting();
  }

  /**
   * Reads how many calls the server takes at a time. The server may change that at any time, but this isn't read for
   * each call.
   */
  readLimit(): void {
    const { slot } = this;
    if (slot.inFlight > LOOK_AGAIN && slot.inFlight % LOOK_AGAIN !== 0) return;
    slot.limit = Math.max(1, streamLimitOf(this.subchannel) ?? Number.POSITIVE_INFINITY);
  }

  /** The channel no longer uses it. What it carries goes on. */
  drop(): void {
    this.state = 'idle';
    this.#isDropped = true;
    this.subchannel.removeConnectivityStateListener(this.#onState);
    this.#helper.removeChannelzChild(this.subchannel.getChannelzRef());
    this.subchannel.unref();
  }

  readonly #onState = (
    _subchannel: unknown,
    _before: number,
    now: number,
    _time: number,
    error?: string,
  ): void => {
    // grpc-js reports the state before the connection exists, and with it the server's limit.
    if (now === STATES.READY) queueMicrotask(this.#onReady);
    else this.#become(stateOf(now), error);
  };

  readonly #onReady = (): void => {
    if (!this.#isDropped && isConnected(this.subchannel)) this.#become('ready', undefined);
  };

  #become(state: Link['state'], error: string | undefined): void {
    this.state = state;
    if (state === 'connecting') this.#dialledAt = this.#clock.now();
    this.#onChanged(this, error);
  }
}

function stateOf(state: number): Link['state'] {
  if (state === STATES.READY) return 'ready';
  if (state === STATES.CONNECTING) return 'connecting';
  return state === STATES.TRANSIENT_FAILURE ? 'down' : 'idle';
}
