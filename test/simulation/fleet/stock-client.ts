import type { Actor } from '../agenda.ts';
import type { SimulatedPod } from '../pod.ts';
import { micros } from '../time.ts';
import type { Cluster } from './cluster.ts';
import type { Client, Latencies } from './fleet.ts';

/** Microseconds for which idle connections live: what pods say, less two seconds for the way. */
const KEEP_ALIVE = micros(63_000);

class StockConnection {
  readonly pod: SimulatedPod;
  busy = false;
  idleSince = 0;

  constructor(pod: SimulatedPod) {
    this.pod = pod;
  }
}

/** What a stock keep-alive agent does through a ClusterIP: the first of its connections that is free, or else one more. */
export class StockClient implements Client, Actor {
  readonly #cluster: Cluster;
  readonly #latencies: Latencies;
  #connections: StockConnection[] = [];

  constructor(cluster: Cluster, latencies: Latencies) {
    this.#cluster = cluster;
    this.#latencies = latencies;
  }

  call(number: number): void {
    const { time } = this.#cluster.world;
    const now = time.micros;
    this.#connections = this.#connections.filter(
      ({ busy, idleSince }) => busy || now - idleSince < KEEP_ALIVE,
    );
    let connection = this.#connections.find(({ busy }) => !busy);
    let dial = 0;
    if (connection === undefined) {
      connection = new StockConnection(this.#cluster.draw());
      this.#connections.push(connection);
      const { plan, network } = connection.pod;
      dial = 2 * network + micros(plan.handshake);
    }
    connection.busy = true;
    const { pod } = connection;
    const work = pod.answerAfter(number);
    const takes = dial + 2 * pod.network + Math.max(work, 0);
    time.arrive(takes, this, 0, connection);
    this.#latencies.add(takes / 1_000, work < 0);
  }

  happen(_what: number, data: unknown): void {
    const connection = data as StockConnection;
    connection.busy = false;
    connection.idleSince = this.#cluster.world.time.micros;
  }
}
