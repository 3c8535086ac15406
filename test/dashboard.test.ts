import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { instrument } from '../src/telemetry/prometheus.ts';

interface Panel {
  id: number;
  type: string;
  title: string;
  targets?: { expr: string; legendFormat: string }[];
}

interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
}

/** What stands before a label in PromQL's aggregations, and functions; neither is a metric. */
const WORDS = new Set(
  'sum count min max avg by rate increase label_values histogram_quantile le instance'.split(' '),
);

const file = new URL('../dashboards/evenkeel.json', import.meta.url);
const { panels, templating } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
const targets = panels.flatMap(({ targets = [] }) => targets);
const queries = [
  ...targets.map(({ expr }) => expr),
  ...templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query])),
];

/** The metrics and labels that the registry exposes. */
async function exposed() {
  const registry = new Registry();
  const stop = instrument({ registry, byEndpoint: true });
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; labelNames: string[] }[];
  stop();
  return {
    metrics: new Set(metrics.map(({ name }) => name)),
    labels: new Set(metrics.flatMap(({ labelNames }) => labelNames)),
  };
}

test('every name in the dashboard’s queries is that of a metric, or one of its labels', async () => {
  const { metrics, labels } = await exposed();
  for (const query of queries) {
    const plain = query.replace(/"[^"]*"/g, '').replace(/\[[^\]]*\]/g, '');
    const names = plain.match(/[a-z]\w*/g)!.filter((name) => !WORDS.has(name));
    for (const name of names) {
      assert.ok(metrics.has(name.replace(/_bucket$/, '')) || labels.has(name), `${name} in: ${query}`);
    }
  }
});

test('every metric is in the dashboard', async () => {
  const { metrics } = await exposed();
  for (const name of metrics)
    assert.ok(
      queries.some((query) => query.includes(name)),
      name,
    );
});

test('legends have labels that their queries keep', () => {
  for (const { expr, legendFormat } of targets) {
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      assert.ok(expr.includes(label!), `${label} in: ${expr}`);
    }
  }
});

test('panels have numbers of their own, and parentheses that match', () => {
  const ids = panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const query of queries) {
    assert.equal(query.match(/[({[]/g)?.length, query.match(/[)}\]]/g)?.length, query);
  }
});
