import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../support/versions.ts';

const REGISTER = new URL('../../src/register.ts', import.meta.url).href;
const METER = new URL('../support/meter.ts', import.meta.url).href;

/** An app whose SDK starts late, and which says what was measured of its one request. */
const APP = `
  import { createServer } from 'node:http';
  import { setTimeout } from 'node:timers/promises';
  import { metrics } from '@opentelemetry/api';
  import { Meter } from '${METER}';
  const pod = createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
    const origin = 'http://127.0.0.1:' + pod.address().port;
    const meter = new Meter();
    metrics.setGlobalMeterProvider(meter.meterProvider);
    for (let turn = 0; turn < 50; turn++) {
      await (await fetch(origin)).text();
      const names = (await meter.collect()).names;
      if (names.includes('evenkeel.requests')) { console.log('measured'); break; }
      await setTimeout(100);
    }
    pod.close();
    pod.closeAllConnections();
  });`;

function runWith(env: Record<string, string>) {
  const args = ['--import', REGISTER, '--input-type=module', '-e', APP];
  return run(process.execPath, args, { EVENKEEL_HOSTS: '127.0.0.1', ...env });
}

test('with EVENKEEL_METRICS=otel, metrics are given to OpenTelemetry once its SDK has started', async () => {
  const { code, stdout, stderr } = await runWith({ EVENKEEL_METRICS: 'otel' });
  assert.deepEqual([code, stdout, stderr], [0, 'measured\n', '']);
});

test('another value of EVENKEEL_METRICS is warned of', async () => {
  const { stdout, stderr } = await runWith({ EVENKEEL_METRICS: 'statsd' });
  assert.equal(stdout, '');
  assert.match(stderr, /EVENKEEL_METRICS must be 'otel', got 'statsd'; evenkeel ignores it/);
});
