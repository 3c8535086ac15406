import { Histogram } from '../telemetry/histogram.ts';
import { type Attributes, CONNECTION_DURATION, METRICS } from '../telemetry/metrics.ts';
import { MetricsReader } from '../telemetry/metrics-reader.ts';
import { labelOf, nameOf } from '../telemetry/prometheus-names.ts';

/**
 * The metrics in Prometheus' text, for those who have no prom-client:
 * https://prometheus.io/docs/instrumenting/exposition_formats/. Events are counted from the first reading on.
 */
export class MetricsText {
  readonly #durations = new Histogram(CONNECTION_DURATION.buckets);
  readonly #reader: MetricsReader;
  #started = false;

  constructor(byEndpoint: boolean) {
    this.#reader = new MetricsReader({ byEndpoint, durations: this.#durations });
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
    return `${[...lines, ...this.#durationLines()].join('\n')}\n`;
  }

  stop(): void {
    if (this.#started) this.#reader.stop();
  }

  #durationLines(): string[] {
    const name = `${labelOf(CONNECTION_DURATION.name)}_seconds`;
    const lines = [`# HELP ${name} ${CONNECTION_DURATION.description}`, `# TYPE ${name} histogram`];
    for (const { attributes, counts, sum } of this.#durations.series) {
      let total = 0;
      for (const [index, count] of counts.entries()) {
        total += count;
        const le = String(this.#durations.buckets[index] ?? '+Inf');
        lines.push(`${name}_bucket${labelled({ ...attributes, le })} ${total}`);
      }
      lines.push(
        `${name}_sum${labelled(attributes)} ${sum}`,
        `${name}_count${labelled(attributes)} ${total}`,
      );
    }
    return lines;
  }
}

function labelled(attributes: Attributes): string {
  const labels = Object.entries(attributes).map(([name, value]) => `${labelOf(name)}="${escaped(value)}"`);
  return labels.length === 0 ? '' : `{${labels.join(',')}}`;
}

function escaped(value: string | number): string {
  return String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
