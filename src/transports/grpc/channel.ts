import { ColdStart } from './cold-start.ts';
import type { GrpcSlot } from './grpc-endpoint.ts';
import {
  type ChannelArgs,
  type ChannelHelper,
  type ChannelPolicy,
  type GrpcJs,
  type GrpcPicker,
  type Metadata,
  PICKS,
  type PickArgs,
  type PickResult,
  QUEUED,
  STATES,
} from './grpc-js.ts';
import { type Hub, type HubMember, isHub } from './hub.ts';
import type { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import { Link } from './link.ts';
import { Resender } from './resender.ts';
import type { Found } from './resent-call.ts';

const BACKOFF_ARG = 'grpc.max_reconnect_backoff_ms';
/** After so many milliseconds at most, an unreachable endpoint is dialled again. grpc-js would wait up to two minutes. */
const LONGEST_BACKOFF = 10_000;

/** What a channel's resolver gives its policy. */
export interface PolicyConfig {
  readonly hub: Hub;
  /** The options of the channel. */
  readonly args: ChannelArgs;
}

export function isPolicyConfig(value: unknown): value is PolicyConfig {
  return typeof value === 'object' && value !== null && isHub((value as { hub?: unknown }).hub);
}

/**
 * One channel of grpc-js: connects the endpoints of its target, and picks one for each call.
 *
 * `connecting`: calls wait, until an endpoint is connected, or none can be. `ready`: calls are served, until no
 * endpoint is connected any more. `failing`: calls fail at once, unless they want to wait, until an endpoint is
 * connected, or there are others.
 */
export class GrpcChannel implements ChannelPolicy, HubMember, GrpcPicker {
  readonly #grpc: Pick<GrpcJs, 'unavailable'>;
  readonly #helper: ChannelHelper;
  readonly #lanes = new Lanes();
  /** The links that the fleet counts as connected. */
  readonly #connected = new Set<Link>();
  #hub: Hub | undefined;
  #resender: Resender | undefined;
  #args: ChannelArgs = {};
  #state: 'connecting' | 'ready' | 'failing' | undefined;
  #failure: PickResult | undefined;
  #lastError = '';
  readonly #coldStart = new ColdStart(() => this.review());
  /** Whether calls wait for room at a server, or for a connection that is being made for them. */
  #awaitsRoom = false;

  constructor(grpc: Pick<GrpcJs, 'unavailable'>, helper: ChannelHelper) {
    this.#grpc = grpc;
    this.#helper = helper;
  }

  start(config: unknown, args: ChannelArgs): void {
    if (this.#hub !== undefined) return;
    const { hub, args: options } = config as PolicyConfig;
    this.#hub = hub;
    this.#args = options[BACKOFF_ARG] === undefined ? { ...args, [BACKOFF_ARG]: LONGEST_BACKOFF } : args;
    this.#resender = new Resender(hub.clock, options, this.#begin);
    hub.join(this);
    for (const slot of hub.fleet.slots()) this.connect(slot);
    this.review();
  }

  destroy(): void {
    const hub = this.#hub;
    this.#hub = undefined;
    this.#coldStart.stop();
    if (hub === undefined) return;
    hub.leave(this);
    this.#resender?.stop();
    for (const { links } of this.#lanes) for (const link of links) this.#drop(hub, link);
    this.#lanes.clear();
  }

  // Connections

  connect(slot: GrpcSlot): void {
    const hub = this.#hub;
    if (hub === undefined) return;
    const lane = this.#lanes.of(slot.endpoint);
    const link = new Link(slot, this.#helper, this.#args, hub.clock, this.#onLinkChanged);
    lane.links.push(link);
    if (link.state === 'ready') this.#onReady(hub, lane, link);
    else if (!hub.fleet.set.frozen) link.connect();
  }

  release(slot: GrpcSlot): void {
    const lane = this.#lanes.get(slot.endpoint);
    const link = lane?.links.find((each) => each.slot === slot);
    if (lane === undefined || link === undefined) return;
    this.#remove(lane, link);
  }

  readonly #onLinkChanged = (link: Link, error: string | undefined): void => {
    const hub = this.#hub;
    const lane = this.#lanes.get(link.slot.endpoint);
    if (hub === undefined || lane === undefined) return;
    const { fleet } = hub;
    if (error !== undefined) this.#lastError = error;
    switch (link.state) {
      case 'ready':
        this.#onReady(hub, lane, link);
        break;
      case 'connecting':
        this.#onLost(hub, link);
        fleet.onDialled(link.slot);
        break;
      case 'down':
        this.#onLost(hub, link);
        if (!lane.isReady) lane.isDown = true;
        fleet.onDialFailed(link.slot);
        if (!fleet.set.frozen) link.connect();
        break;
      case 'idle':
        if (link.slot.busy) hub.onGoAway();
        this.#onLost(hub, link);
        if (!fleet.set.frozen) link.connect();
        hub.discovery.demand();
    }
    this.review();
  };

  #onReady(hub: Hub, lane: Lane, link: Link): void {
    if (this.#connected.has(link)) return;
    this.#connected.add(link);
    this.#coldStart.dialTook = link.sinceDialled;
    lane.isDown = false;
    link.readLimit();
    hub.fleet.onConnected(link.slot);
    if (link.slot.aging) return;
    // The successor is connected.
    for (const other of [...lane.links]) if (other.slot.aging && other.isReady) this.#remove(lane, other);
  }

  #onLost(hub: Hub, link: Link): void {
    if (this.#connected.delete(link)) hub.fleet.onDisconnected(link.slot);
  }

  #remove(lane: Lane, link: Link): void {
    const index = lane.links.indexOf(link);
    if (index < 0) return;
    lane.links.splice(index, 1);
    if (lane.links.length === 0) this.#lanes.delete(lane);
    if (this.#hub !== undefined) this.#drop(this.#hub, link);
  }

  #drop(hub: Hub, link: Link): void {
    link.drop();
    this.#onLost(hub, link);
  }

  // Its state

  /** The set of endpoints has changed, or the reason why there is none. */
  refresh(): void {
    const frozen = this.#hub?.fleet.set.frozen;
    if (!frozen) {
      for (const { links } of this.#lanes)
        for (const link of links) if (link.state === 'idle') link.connect();
    }
    this.review();
  }

  /** There may be room for another call. */
  serveWaiting(): void {
    if (this.#awaitsRoom) this.#tell();
  }

  /** Tells grpc-js the state of the channel if it has changed. Each time, grpc-js picks again for all waiting calls. */
  review(): void {
    const hub = this.#hub;
    if (hub === undefined) return;
    const state = this.#stateNow(hub);
    if (state === 'failing') this.#failure = this.#failureOf(hub);
    if (state === this.#state && (state !== 'ready' || !this.#awaitsRoom)) return;
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    this.#awaitsRoom = false;
    for (const lane of this.#lanes) lane.waiting = 0;
    switch (this.#state) {
      case 'ready':
        this.#helper.updateState(STATES.READY, this, null);
        break;
      case 'failing':
        this.#helper.updateState(STATES.TRANSIENT_FAILURE, this, this.#failure!.status!.details);
        break;
      default:
        this.#helper.updateState(STATES.CONNECTING, this, null);
    }
    this.#resender?.serve();
  }

  #stateNow(hub: Hub): 'connecting' | 'ready' | 'failing' {
    let isConnecting = false;
    let isReady = false;
    for (const lane of this.#lanes) {
      if (lane.isReady) isReady = true;
      else if (!lane.isDown && lane.isConnecting && !hub.fleet.set.frozen) isConnecting = true;
    }
    if (isReady && (this.#state === 'ready' || !isConnecting || this.#isWarm(hub))) return 'ready';
    this.#coldStart.begin();
    if (isReady || isConnecting) return 'connecting';
    // If a name has addresses of two families, perhaps only one was asked for.
    if (hub.fleet.awaitsNews && this.#state !== 'failing') return 'connecting';
    return hub.fleet.isKnown || hub.error !== undefined ? 'failing' : 'connecting';
  }

  /** Whether calls no longer wait for more endpoints. They don't if calls have failed meanwhile. */
  #isWarm({ clock }: Hub): boolean {
    return this.#state === 'failing' || this.#coldStart.isOver(clock);
  }

  #failureOf(hub: Hub): PickResult {
    const status = this.#grpc.unavailable(this.#whyFailing(hub));
    return { ...QUEUED, pickResultType: PICKS.TRANSIENT_FAILURE, status };
  }

  #whyFailing({ error, origin, fleet }: Hub): string {
    if (this.#lanes.size > 0) return `No connection established. Last error: ${this.#lastError} (${origin})`;
    if (error !== undefined) return `Name resolution failed for target ${origin}: ${error.message}`;
    return `No addresses resolved for target ${origin}${fleet.set.frozen ? ': its name has gone' : ''}`;
  }

  // Picks

  pick({ metadata }: PickArgs): PickResult {
    const attempt = this.#begin(metadata);
    if (attempt === 'waiting') return QUEUED;
    if (attempt === 'failing') return this.#failure!;
    return this.#hub!.isUnquiet ? this.#resender!.guard(attempt) : attempt;
  }

  readonly #begin = (metadata: Metadata): Found => {
    const hub = this.#hub;
    if (hub === undefined || this.#state === 'connecting') return 'waiting';
    if (this.#state === 'failing') return 'failing';
    hub.onCall();
    const lane = this.#lanes.choose(hub, metadata);
    const link = lane?.best;
    if (lane === undefined || link === undefined) return this.#wait(hub);
    const { slot } = link;
    if (slot.inFlight >= slot.limit && this.#awaits(hub, lane)) return this.#wait(hub);
    if (slot.inFlight > 0) link.readLimit();
    return hub.attempts.begin(link.subchannel, slot);
  };

  #wait(hub: Hub): 'waiting' {
    hub.hasWaiting = true;
    this.#awaitsRoom = true;
    return 'waiting';
  }

  /**
   * Whether calls wait for one more connection to a server whose connections are all full. They wait only while the
   * connection may be there soon. If it can't be made, they go to one of the full connections, as with grpc-js alone,
   * and wait there.
   */
  #awaits(hub: Hub, lane: Lane): boolean {
    lane.waiting++;
    if (lane.waiting > lane.roomToCome && lane.takesDials) hub.fleet.widen(lane.endpoint);
    return lane.roomToCome > 0;
  }
}
