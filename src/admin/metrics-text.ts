import { Histogram } from '../telemetry/histogram.ts';
import { type Attributes, CONNECTION_DURATION, METRICS, REQUEST_DURATION } from '../telemetry/metrics.ts';
import { MetricsReader } from '../telemetry/metrics-reader.ts';
import { labelOf, nameOf } from '../telemetry/prometheus-names.ts';

/**
 * The metrics in the text format of Prometheus, without prom-client:
 * https://prometheus.io/docs/instrumenting/exposition_formats/. Counters of events begin at the first reading.
 */
export class MetricsText {
  readonly #durations = new Histogram(CONNECTION_DURATION.buckets);
  readonly #requests = new Histogram(REQUEST_DURATION.buckets);
  readonly #reader: MetricsReader;
  #started = false;

  constructor(byEndpoint: boolean) {
    this.#reader = new MetricsReader({
      byEndpoint,
      durations: this.#durations,
      requests: this.#requests,
    });
  }

  read(): string {
    if (!this.#started) this.#reader.start();
    this.#started = true;
    const lines: string[] = [];
    for (const metric of METRICS) {
      const name = nameOf(metric);
      const type = metric.kind === 'counter' ? 'counter' : 'gauge';
      lines.push(`# HELP ${name} ${metric.description}`, `# TYPE ${name} ${type}`);
      for (const { attributes, value } of this.#reader.read(metric).values()) {
        lines.push(`${name}${labelled(attributes)} ${value}`);
      }
    }
    lines.push(
      ...linesOf(CONNECTION_DURATION, this.#durations),
      ...linesOf(REQUEST_DURATION, this.#requests),
    );
    return `${lines.join('\n')}\n`;
  }

  stop(): void {
    if (this.#started) this.#reader.stop();
  }
}

function linesOf(
  { name, description }: typeof CONNECTION_DURATION | typeof REQUEST_DURATION,
  { buckets, series }: Histogram,
): string[] {
  const full = `${labelOf(name)}_seconds`;
  const lines = [`# HELP ${full} ${description}`, `# TYPE ${full} histogram`];
  for (const { attributes, counts, sum } of series) {
    let total = 0;
    for (const [index, count] of counts.entries()) {
      total += count;
      const le = String(buckets[index] ?? '+Inf');
      lines.push(`${full}_bucket${labelled({ ...attributes, le })} ${total}`);
    }
    lines.push(`${full}_sum${labelled(attributes)} ${sum}`, `${full}_count${labelled(attributes)} ${total}`);
  }
  return lines;
}

function labelled(attributes: Attributes): string {
  const labels = Object.entries(attributes).map(([name, value]) => `${labelOf(name)}="${escaped(value)}"`);
  return labels.length === 0 ? '' : `{${labels.join(',')}}`;
}

function escaped(value: string | number): string {
  return String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
