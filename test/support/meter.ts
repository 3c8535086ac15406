import type { TestContext } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

interface Histogram {
  readonly count: number;
  readonly sum: number;
}

/** Collects when it is told to. */
class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What was collected at one moment. */
export class Collected {
  /** By name of the metric, and of its attributes without those of the server. */
  readonly #points = new Map<string, [Attributes, number | Histogram][]>();

  add(name: string, attributes: Attributes, value: number | Histogram): void {
    const points = this.#points.get(name) ?? [];
    points.push([attributes, value]);
    this.#points.set(name, points);
  }

  get names(): string[] {
    return [...this.#points.keys()];
  }

  /** All points of a metric with their attributes. */
  points(name: string): [Attributes, number | Histogram][] {
    return this.#points.get(name) ?? [];
  }

  /** The sum of a metric's values where it has these attributes; none if there is no such point. */
  value(name: string, attributes: Attributes = {}): number | undefined {
    const values = this.points(name)
      .filter(([own]) => Object.entries(attributes).every(([key, value]) => own[key] === value))
      .map(([, value]) => value as number);
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  }
}

/** OpenTelemetry's SDK, with a reader that collects when it is told to. */
export class Meter {
  readonly #reader = new ManualReader();
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] });

  async collect(): Promise<Collected> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw new AggregateError(errors);
    const collected = new Collected();
    for (const { metrics } of resourceMetrics.scopeMetrics) {
      for (const { descriptor, dataPoints } of metrics) {
        for (const { attributes, value } of dataPoints) {
          collected.add(descriptor.name, attributes, value as number | Histogram);
        }
      }
    }
    return collected;
  }
}

/** Starts the SDK; it is shut down when the test ends. */
export function startMeter(t: TestContext): Meter {
  const meter = new Meter();
  t.after(() => meter.meterProvider.shutdown());
  return meter;
}
