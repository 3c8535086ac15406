import { Histogram as PromHistogram } from 'prom-client';
import { Histogram } from './histogram.ts';
import type { CONNECTION_DURATION, REQUEST_DURATION } from './metrics.ts';
import { labelOf, labelsOf } from './prometheus-names.ts';

type Duration = typeof CONNECTION_DURATION | typeof REQUEST_DURATION;

type Exported = Awaited<ReturnType<PromHistogram['get']>>;

function durationNameOf({ name }: Pick<Duration, 'name'>): string {
  return `${labelOf(name)}_seconds`;
}

/**
 * A histogram of prom-client whose values evenkeel counts. With prom-client's own counting, one request would cost as
 * much as ten do here.
 */
export class CountedHistogram extends PromHistogram {
  readonly fullName: string;
  readonly counts: Histogram;

  constructor(metric: Duration, labelNames: readonly string[]) {
    const name = durationNameOf(metric);
    super({
      name,
      help: metric.description,
      labelNames: labelNames.map(labelOf),
      buckets: [...metric.buckets],
      registers: [],
    });
    this.fullName = name;
    this.counts = new Histogram(metric.buckets);
  }

  override async get(): Promise<Exported> {
    const values = [];
    for (const { attributes, counts, sum } of this.counts.series) {
      const labels = labelsOf(attributes);
      let total = 0;
      for (const [index, count] of counts.entries()) {
        total += count;
        const le = this.counts.buckets[index] ?? '+Inf';
        values.push({ metricName: `${this.fullName}_bucket`, labels: { ...labels, le }, value: total });
      }
      values.push({ metricName: `${this.fullName}_sum`, labels, value: sum });
      values.push({ metricName: `${this.fullName}_count`, labels, value: total });
    }
    // All metrics have these fields, although the types don't say so.
    const { help, type, aggregator, collect } = this as unknown as Exported;
    return { name: this.fullName, help, type, aggregator, collect, values };
  }

  /** Some versions of prom-client's registry call this method. */
  getForPromString(): Promise<Exported> {
    return this.get();
  }

  override reset(): void {
    super.reset();
    // prom-client calls this in its constructor, before the counts exist.
    (this.counts as Histogram | undefined)?.clear();
  }
}
