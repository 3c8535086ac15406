import {
  type BatchObservableCallback,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api';
import { CONNECTION_DURATION, METRICS, REQUEST_DURATION } from './metrics.ts';
import { MetricsReader, type Point } from './metrics-reader.ts';

export interface InstrumentOptions {
  /** Where the metrics go. Default: the global meter provider. */
  meterProvider?: MeterProvider;
  /**
   * Makes a time series for each endpoint, with `network.peer.address` and `network.peer.port`. The SDK keeps the series of
   * all pods that there ever were. Its `aggregationCardinalityLimit` is 2,000 by default: it adds up all further series in
   * one, with wrong values. Default `false`.
   */
  byEndpoint?: boolean;
  /**
   * Records `http.client.request.duration`. The SDK takes some microseconds of each request for that. Default `false`,
   * because `@opentelemetry/instrumentation-undici` and `-http` have a histogram of the same name, but without pods.
   */
  requestDuration?: boolean;
}

/**
 * Gives OpenTelemetry the metrics of all agents in this process, and of agents that you make later. evenkeel reads the
 * numbers when OpenTelemetry collects them. Start OpenTelemetry's SDK before you call this: without a meter provider,
 * evenkeel measures nothing, and warns you.
 *
 * @returns a function that stops it; the SDK goes on reporting the last values
 * @throws if the meter provider has these metrics already
 */
export function instrument({
  meterProvider = metrics.getMeterProvider(),
  byEndpoint = false,
  requestDuration = false,
}: InstrumentOptions = {}): () => void {
  // A second instrument with the same name would mix the values of both, and count events twice.
  if (instrumented.has(meterProvider))
    throw new Error('this meter provider has the metrics of evenkeel already');
  const meter = meterProvider.getMeter('evenkeel');
  if (meter === createNoopMeter()) {
    warnOfNone();
    return () => {};
  }
  const durations = histogramIn(meter, CONNECTION_DURATION);
  const requests = requestDuration ? histogramIn(meter, REQUEST_DURATION) : undefined;
  const reader = new MetricsReader({ byEndpoint, durations, requests });
  const observed = METRICS.map((metric) => {
    const observable = meter[CREATE[metric.kind]](metric.name, metric);
    return { metric, observable, last: new Map() as ReadonlyMap<string, Point> };
  });
  const observables = observed.map(({ observable }) => observable);
  const observe: BatchObservableCallback = (result) => {
    for (const each of observed) {
      const { metric, observable, last } = each;
      each.last = reader.read(metric);
      for (const { value, attributes } of each.last.values()) result.observe(observable, value, attributes);
      // The SDK keeps reporting the last value. So a series that is gone must get the value 0.
      if (metric.kind !== 'upDownCounter') continue;
      for (const [key, { attributes }] of last) {
        if (!each.last.has(key)) result.observe(observable, 0, attributes);
      }
    }
  };
  instrumented.add(meterProvider);
  reader.start();
  meter.addBatchObservableCallback(observe, observables);
  let stopped = false;
  return () => {
    meter.removeBatchObservableCallback(observe, observables);
    reader.stop();
    if (!stopped) instrumented.delete(meterProvider);
    stopped = true;
  };
}

/** Whether the SDK of OpenTelemetry has started, with a meter provider. */
export function isReady(): boolean {
  return metrics.getMeterProvider().getMeter('evenkeel') !== createNoopMeter();
}

type Duration = typeof CONNECTION_DURATION | typeof REQUEST_DURATION;

function histogramIn(meter: Meter, { name, unit, description, buckets }: Duration): Histogram {
  return meter.createHistogram(name, {
    unit,
    description,
    advice: { explicitBucketBoundaries: [...buckets] },
  });
}

const instrumented = new WeakSet<MeterProvider>();

function warnOfNone(): void {
  process.emitWarning(
    'evenkeel measures nothing: OpenTelemetry has no meter provider yet. Start its SDK before you call instrument()',
    { type: 'EvenkeelWarning', code: 'EVENKEEL_NO_METER_PROVIDER' },
  );
}

const CREATE = {
  counter: 'createObservableCounter',
  upDownCounter: 'createObservableUpDownCounter',
  gauge: 'createObservableGauge',
} as const;
