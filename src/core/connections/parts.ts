import { HashRing } from '../balancing/hash-ring.ts';
import { Locality } from '../balancing/locality.ts';
import type { Demand } from '../base/demand.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { PickerBoard } from '../endpoints/board.ts';
import { EndpointSet } from '../endpoints/endpoint-set.ts';
import { LocalityRouting } from '../endpoints/locality-routing.ts';
import { Pickers } from '../endpoints/pickers.ts';
import { Seats } from '../endpoints/seats.ts';
import { subsetFor } from '../endpoints/subset.ts';
import { Weights } from '../endpoints/weights.ts';
import { Health } from '../health/health.ts';
import { Balancer } from './balancer.ts';
import { Capacity } from './capacity.ts';
import type { Connection, Pod } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import { ConnectionFactory } from './connection-factory.ts';
import { Departures } from './departures.ts';
import { DialPlan } from './dial-plan.ts';
import { Dials } from './dials.ts';
import { Liveness } from './liveness.ts';
import { Membership } from './membership.ts';
import { PodIdentity } from './pod-identity.ts';
import { PooledEndpoint } from './pooled-endpoint.ts';
import { Preconnect } from './preconnect.ts';
import { Reach } from './reach.ts';
import type { PoolSettings } from './settings.ts';
import { Spread } from './spread.ts';
import type { Transport } from './transport.ts';
import { Upkeep } from './upkeep.ts';
import { WarmSet } from './warm-set.ts';
import { Warmth } from './warmth.ts';

export interface PoolOptions {
  settings: PoolSettings;
  origin: string;
  transport: Transport;
  demand: Demand;
  /** Differs from client to client. Where clients should make different choices, this decides. */
  identity: string;
  /** Is asked for other endpoints if none can be connected. */
  discovery: Pick<Discovery, 'onUnreachable'>;
  /** A dial has failed. */
  onDialFailed: (error: Error) => void;
}

export type PoolParts = ReturnType<typeof partsOf>;

/**
 * Makes the parts of a pool, in the order in which they need each other. Connections and dials report to the pool
 * through `events`, but never while the parts are made.
 */
export function partsOf(options: PoolOptions, events: ConnectionEvents<Connection>) {
  const { settings, origin, transport, demand, identity } = options;
  const { clock, random, policy, slowStart, connections, maxRequestsPerEndpoint } = settings;
  const locality =
    settings.locality === 'off' ? undefined : new Locality(settings.locality, settings.kubernetes, random);
  const pickers = new Pickers<Pod>(settings, locality);
  const board = new PickerBoard(origin, pickers, maxRequestsPerEndpoint || Number.POSITIVE_INFINITY);
  const limits = { connections, multiplexes: transport.multiplexes };
  const set = new EndpointSet<Pod>((key, info, name) => new PooledEndpoint(key, info, board, limits, name));
  const seats = new Seats(set);
  const ring = policy === 'ring-hash' ? new HashRing<Pod>() : undefined;
  const weights = new Weights<Pod>({
    // With slow start, each step of a weight would move keys.
    slowStart: ring === undefined ? slowStart : { ...slowStart, window: 0 },
    clock,
    onChange(endpoint) {
      ring?.reweigh(endpoint);
      board.reweigh(endpoint, set);
    },
  });
  const health = new Health({ settings, set, checker: transport, demand, clock, random });
  const warmSet = new WarmSet(identity, locality && (({ level }) => locality.densityOf(level)));
  const warmth = new Warmth(warmSet, transport.keepAlive, demand);
  const dials = new Dials(events, { transport, board, demand, clock, random });
  const reach = new Reach(set, clock);
  const spread = new Spread(settings, set, warmth);
  const departures = new Departures({ clock, set, dials, health, seats, weights });
  const podIdentity = new PodIdentity(settings, { set, board, dials, warmth, spread, weights, departures });
  const preconnect = new Preconnect(settings, { set, board, warmth, dials, reach, identity: podIdentity });
  const upkeep = new Upkeep({ set, warmth, preconnect, spread, dials, health, demand, clock });
  const plan = new DialPlan({ set, board, dials, reach, preconnect, clock: transport.clock });
  const capacity = new Capacity({ connections, set, board, dials, pace: plan.pace, reach });
  const liveness = new Liveness(set, dials, transport, clock);
  const balancer = new Balancer({ board, capacity, plan, dials, reach, preconnect, liveness });
  const localityRouting =
    locality && new LocalityRouting<Pod>({ locality, set, board, onWeighed: () => warmth.sort() });
  const membership = new Membership({
    settings,
    subset: subsetFor(settings.subset, identity),
    set,
    board,
    seats,
    weights,
    ring,
    health,
    localityRouting,
    identity: podIdentity,
    spread,
    upkeep,
    preconnect,
    reach,
    departures,
  });
  const factory = new ConnectionFactory(events, settings);
  return {
    balancer,
    board,
    capacity,
    departures,
    dials,
    factory,
    health,
    liveness,
    locality,
    localityRouting,
    membership,
    plan,
    podIdentity,
    preconnect,
    reach,
    ring,
    seats,
    set,
    spread,
    upkeep,
    warmth,
    weights,
  };
}
