import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsInForce, shownValue } from '../../src/config/in-force.ts';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { NAME, startCluster } from './setup.ts';

test('a variable that is refused is not shown as in force', () => {
  const env = { EVENKEEL_IDENTITY_HEADER: 'no header', EVENKEEL_KUBERNETES_ZONE: ' ' };
  const settings = settingsInForce(resolveSettings({}, env), {}, env);
  for (const name of ['identityHeader', 'kubernetes.zone']) {
    assert.equal(settings.find((setting) => setting.name === name)?.from, 'default', name);
  }
});

test('--settings lists those without a default too', async (t) => {
  const { examine } = await startCluster(t, { pods: 1 });
  const { text } = await examine(NAME, '--no-request', '--settings');
  assert.match(text, /healthCheck\.path +none {2}\(default\)/);
  assert.equal(shownValue(undefined), 'none');
});
