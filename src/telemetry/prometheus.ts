import { Counter, Gauge, type Registry, type RegistryContentType, register } from 'prom-client';
import { CONNECTION_DURATION, METRICS, type Metric, REQUEST_DURATION } from './metrics.ts';
import { MetricsReader } from './metrics-reader.ts';
import { CountedHistogram } from './prometheus-histogram.ts';
import { labelOf, labelsOf, nameOf } from './prometheus-names.ts';

export interface InstrumentOptions {
  /** Where the metrics go. Default: prom-client's global registry. */
  registry?: Registry<RegistryContentType>;
  /**
   * Makes a time series for each endpoint, with the labels `network_peer_address` and `network_peer_port`. Default `false`.
   */
  byEndpoint?: boolean;
}

const SERVER_LABELS = ['server.address', 'server.port', 'url.scheme'];
const PEER_LABELS = ['network.peer.address', 'network.peer.port', 'evenkeel.endpoint.identity'];

/**
 * Gives prom-client the metrics of all agents in this process, and of agents that you make later. evenkeel reads the numbers
 * when Prometheus scrapes them.
 *
 * @returns a function that takes the metrics out of the registry again
 * @throws if the registry already has a metric with one of these names
 */
export function instrument({ registry = register, byEndpoint = false }: InstrumentOptions = {}): () => void {
  const durations = new CountedHistogram(CONNECTION_DURATION, labelsNamed(CONNECTION_DURATION, byEndpoint));
  const requests = new CountedHistogram(REQUEST_DURATION, labelsNamed(REQUEST_DURATION, byEndpoint));
  const reader = new MetricsReader({ byEndpoint, durations: durations.counts, requests: requests.counts });
  const all = new Map<string, Counter | Gauge | CountedHistogram>();
  for (const histogram of [durations, requests]) all.set(histogram.fullName, histogram);
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

/** A metric of prom-client that is read whenever it is collected. */
function collected(metric: Metric, reader: MetricsReader, byEndpoint: boolean): Counter | Gauge {
  const config = {
    name: nameOf(metric),
    help: metric.description,
    labelNames: labelsNamed(metric, byEndpoint).map(labelOf),
    registers: [],
    aggregator: metric.kind === 'gauge' ? ('average' as const) : ('sum' as const),
    collect(this: Counter | Gauge) {
      this.reset();
      for (const { attributes, value } of reader.read(metric).values()) this.inc(labelsOf(attributes), value);
    },
  };
  return metric.kind === 'counter' ? new Counter(config) : new Gauge(config);
}

/** The labels that a metric may have, by the names that OpenTelemetry uses. */
function labelsNamed(
  metric: Pick<Metric, 'attributes' | 'byEndpoint'>,
  byEndpoint: boolean,
): readonly string[] {
  const peer = byEndpoint && metric.byEndpoint ? PEER_LABELS : [];
  return [...SERVER_LABELS, ...metric.attributes, ...peer];
}
