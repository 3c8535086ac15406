import type { Attributes, Metric } from './metrics.ts';

/** Translates a name for Prometheus as OpenTelemetry's specification does, so that one dashboard works with both. */
export function nameOf({ name, kind, unit }: Pick<Metric, 'name' | 'kind' | 'unit'>): string {
  const ratio = unit === '1' ? '_ratio' : '';
  return `${labelOf(name)}${ratio}${kind === 'counter' ? '_total' : ''}`;
}

export function labelsOf(attributes: Attributes): Attributes {
  const result: Attributes = {};
  for (const name in attributes) result[labelOf(name)] = attributes[name]!;
  return result;
}

/** There are few labels, but many series that have them. */
const labels = new Map<string, string>();

export function labelOf(name: string): string {
  let label = labels.get(name);
  if (label === undefined) {
    label = name.replaceAll('.', '_');
    labels.set(name, label);
  }
  return label;
}
