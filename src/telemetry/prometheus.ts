import { Counter, Gauge, Histogram, type Registry, type RegistryContentType, register } from 'prom-client';
import { CONNECTION_DURATION, METRICS, type Metric } from './metrics.ts';
import { MetricsReader } from './metrics-reader.ts';
import { labelOf, labelsOf, nameOf } from './prometheus-names.ts';

export interface InstrumentOptions {
  /** Where the metrics go; default: prom-client's global registry. */
  registry?: Registry<RegistryContentType>;
  /**
   * Tells endpoints apart, by the labels `network_peer_address` and `network_peer_port`: a time series for
   * each pod there is. Default `false`.
   */
  byEndpoint?: boolean;
}

const SERVER_LABELS = ['server.address', 'server.port', 'url.scheme'];
const PEER_LABELS = ['network.peer.address', 'network.peer.port', 'evenkeel.endpoint.identity'];

/**
 * Puts the metrics of all agents in this process into a registry of prom-client, of those that are made
 * later too. They are read when they are scraped.
 *
 * @returns a function that takes them out again
 * @throws when the registry has a metric of one of the names already
 */
export function instrument({ registry = register, byEndpoint = false }: InstrumentOptions = {}): () => void {
  const durationName = `${labelOf(CONNECTION_DURATION.name)}_seconds`;
  const duration = new Histogram({
    name: durationName,
    help: CONNECTION_DURATION.description,
    labelNames: [...SERVER_LABELS, ...CONNECTION_DURATION.attributes].map(labelOf),
    buckets: [...CONNECTION_DURATION.buckets],
    registers: [],
  });
  const reader = new MetricsReader({
    byEndpoint,
    durations: {
      record: (seconds, attributes) => duration.observe(labelsOf(attributes), seconds),
      forget: (attributes) => duration.remove(labelsOf(attributes)),
    },
  });
  const all = new Map<string, Counter | Gauge | Histogram>([[durationName, duration]]);
  for (const metric of METRICS) all.set(nameOf(metric), collected(metric, reader, byEndpoint));
  const stop = () => {
    reader.stop();
    for (const [name, metric] of all) {
      if (registry.getSingleMetric(name) === metric) registry.removeSingleMetric(name);
    }
  };
  try {
    for (const metric of all.values()) registry.registerMetric(metric);
  } catch (error) {
    stop();
    throw error;
  }
  reader.start();
  return stop;
}

/** A metric of prom-client that has what is read whenever it is collected. */
function collected(metric: Metric, reader: MetricsReader, byEndpoint: boolean): Counter | Gauge {
  const peer = byEndpoint && metric.byEndpoint ? PEER_LABELS : [];
  const config = {
    name: nameOf(metric),
    help: metric.description,
    labelNames: [...SERVER_LABELS, ...metric.attributes, ...peer].map(labelOf),
    registers: [],
    aggregator: metric.kind === 'gauge' ? ('average' as const) : ('sum' as const),
    collect(this: Counter | Gauge) {
      this.reset();
      for (const { attributes, value } of reader.read(metric).values()) this.inc(labelsOf(attributes), value);
    },
  };
  return metric.kind === 'counter' ? new Counter(config) : new Gauge(config);
}
