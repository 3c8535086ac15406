import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { instrument } from '../../src/telemetry/prometheus.ts';

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { h: number; w: number; x: number; y: number };
  fieldConfig?: { defaults: { unit?: string; min?: number } };
  targets?: { refId: string; datasource: { uid: string }; expr: string; legendFormat: string }[];
}

interface Variable {
  name: string;
  query: string | { query: string };
}

interface Dashboard {
  uid: string;
  panels: Panel[];
  templating: { list: Variable[] };
}

/** What stands before a label in PromQL's aggregations, and functions; none of them is a metric. */
const WORDS = new Set(
  'sum count min max avg by and or on unless vector rate increase label_values histogram_quantile le job instance'.split(
    ' ',
  ),
);
/** OpenTelemetry's Prometheus exporter for Node.js leaves units out of names, which others put there. */
const EITHER = /__name__=~"(\w+)\(_(?:ratio|seconds)\)\?(?:_bucket|_count)?",?/g;
/** What each panel and query takes the metrics of. */
const FILTER = 'job=~"$job", server_address=~"$service"';

const file = new URL('../../dashboards/evenkeel.json', import.meta.url);
const { uid, panels, templating } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
const charts = panels.filter(({ type }) => type !== 'row');
const targets = charts.flatMap(({ targets = [] }) => targets);
const variables = templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]));
const alerts = rulesIn(readFileSync(new URL('../../dashboards/alerts.yaml', import.meta.url), 'utf8'));
const queries = [...targets.map(({ expr }) => expr), ...variables, ...alerts.map(({ expr }) => expr)];

/** The rules of a file as ours is written: expressions in a line of their own, or folded over several. */
function rulesIn(text: string) {
  return text
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((rule) => {
      const [alert] = rule.split('\n');
      const [, line = '', folded = ''] = /expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/.exec(rule)!;
      return { alert: alert!, rule, expr: (line || folded).replace(/\s+/g, ' ').trim() };
    });
}

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
  const known = (name: string) => metrics.has(name.replace(/_bucket$/, '')) || labels.has(name);
  for (const query of queries) {
    for (const [, name] of query.matchAll(EITHER)) {
      assert.ok(known(`${name}_ratio`) || known(`${name}_seconds`), `${name} in: ${query}`);
    }
    const plain = query
      .replace(EITHER, '')
      .replace(/"[^"]*"/g, '')
      .replace(/\[[^\]]*\]/g, '');
    const names = plain.match(/[a-z]\w*/g)!.filter((name) => !WORDS.has(name));
    for (const name of names) assert.ok(known(name), `${name} in: ${query}`);
  }
});

test('every metric is in the dashboard', async () => {
  const { metrics } = await exposed();
  for (const name of metrics) {
    const bare = name.replace(/_(ratio|seconds)$/, '');
    assert.ok(
      queries.some((query) => query.includes(`${bare}{`) || query.includes(`"${bare}(_`)),
      name,
    );
  }
});

test('every value that a query asks of a state, or a kind, exists', () => {
  const values = {
    evenkeel_endpoint_state: ['connecting', 'ready', 'idle', 'ejected', 'draining'],
    evenkeel_endpoint_kind: ['pod', 'virtual'],
  };
  for (const [label, known] of Object.entries(values)) {
    for (const query of queries) {
      for (const [, asked] of query.matchAll(new RegExp(`${label}=~?"([^"]*)"`, 'g'))) {
        for (const value of asked!.split('|')) assert.ok(known.includes(value), `${value} in: ${query}`);
      }
    }
  }
});

test('every query is of the clients and services that are chosen', () => {
  for (const { expr } of targets) {
    const selectors = expr.match(/\{/g)!.length;
    assert.equal(expr.split(FILTER).length - 1, selectors, expr);
  }
});

test('legends have labels that their queries keep', () => {
  for (const { expr, legendFormat } of targets) {
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      assert.ok(expr.includes(label!), `${label} in: ${expr}`);
    }
  }
});

test('panels say what they show, in which unit, and where it comes from', () => {
  for (const { title, type, description, datasource, fieldConfig, targets = [] } of charts) {
    assert.ok(['stat', 'timeseries'].includes(type), title);
    assert.ok(description !== undefined && description.length > 5, title);
    assert.ok(fieldConfig?.defaults.unit !== undefined, title);
    assert.equal(fieldConfig.defaults.min, 0, title);
    for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
      assert.match(source!.uid, /^\$\{datasource\}$/, title);
    }
    const refs = targets.map(({ refId }) => refId);
    assert.equal(new Set(refs).size, refs.length, title);
  }
});

test('panels have numbers of their own, and parentheses that match', () => {
  assert.equal(uid, 'evenkeel');
  const ids = panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const query of queries) {
    assert.equal(query.match(/[({[]/g)?.length, query.match(/[)}\]]/g)?.length, query);
  }
});

test('panels lie side by side, and fill their rows', () => {
  const taken = new Set<string>();
  for (const { title, gridPos } of panels) {
    const { h, w, x, y } = gridPos;
    assert.ok(x >= 0 && x + w <= 24, title);
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        const cell = `${row} ${column}`;
        assert.ok(!taken.has(cell), title);
        taken.add(cell);
      }
    }
  }
  const height = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  assert.equal(taken.size, height * 24);
});

test('there are alerts for what is wrong, with words on what to do', () => {
  const names = alerts.map(({ alert }) => alert);
  assert.deepEqual(names, [
    'EvenkeelUneven',
    'EvenkeelPodEjected',
    'EvenkeelNoEndpoints',
    'EvenkeelDiscoveryStale',
  ]);
  for (const { alert, rule, expr } of alerts) {
    assert.match(rule, /\n {8}for: \d+m\n {8}labels:\n {10}severity: (warning|critical)\n/, alert);
    assert.match(rule, /\n {10}summary: ".+"\n {10}description: ".+\."\n/, alert);
    for (const [, label] of rule.matchAll(/\$labels\.(\w+)/g))
      assert.ok(expr.includes(label!), `${label} of ${alert}`);
  }
});
