import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Switches, switchesIn } from '../../src/config/switches.ts';

const OFF = 'off';

/** What the switches say with these variables, among others. */
function modeWith(env: Record<string, string>): Switches['mode'] {
  return switchesIn({ PATH: '/bin', EVENKEEL_SPREAD: '3', ...env }).mode;
}

test('without a switch it balances, and with EVENKEEL_MODE=observe it observes', () => {
  assert.deepEqual(switchesIn({}), { mode: 'balance' });
  assert.equal(modeWith({ EVENKEEL_MODE: '', EVENKEEL_DISABLED: '0' }), 'balance');
  assert.equal(modeWith({ EVENKEEL_MODE: 'observe', EVENKEEL_DISABLED: 'false' }), 'observe');
});

test('EVENKEEL_DISABLED has the last word', () => {
  for (const value of ['1', 'true', 'yes', 'no'])
    assert.equal(modeWith({ EVENKEEL_DISABLED: value, EVENKEEL_MODE: 'observe' }), OFF, value);
});

test('a mode that there is not switches off', () => {
  for (const value of ['observ', 'obsreve', 'Observe', 'off', 'balance']) {
    assert.deepEqual(switchesIn({ EVENKEEL_MODE: value }), {
      mode: OFF,
      problem: `EVENKEEL_MODE must be 'observe', got '${value}'`,
    });
  }
});

test('a variable that is nearly a switch switches off', () => {
  for (const name of ['DISABLE', 'DISABELD', 'DISABLED_', 'OFF', 'OBSERVE', 'MOD', 'MODES']) {
    assert.equal(modeWith({ [`EVENKEEL_${name}`]: '1' }), OFF, name);
    assert.equal(modeWith({ [`EVENKEEL_${name}`]: '1', EVENKEEL_MODE: 'observe' }), OFF, name);
    assert.equal(modeWith({ [`EVENKEEL_${name}`]: '0' }), 'balance', `${name}=0`);
  }
  for (const name of ['evenkeel_disabled', 'EVEN_KEEL_DISABLED', 'EVENKEELDISABLED'])
    assert.equal(modeWith({ [name]: 'true' }), OFF, name);
  for (const value of ['0', 'false', 'no', 'off'])
    assert.equal(modeWith({ EVENKEEL_ENABLED: value }), OFF, value);
  assert.equal(modeWith({ EVENKEEL_ENABLED: '1' }), 'balance');
  assert.equal(
    switchesIn({ EVENKEEL_DISABLE: '1' }).problem,
    "EVENKEEL_DISABLE is not a variable of evenkeel's (did you mean EVENKEEL_DISABLED?)",
  );
});

test('a variable that is nearly another one, of no option, or of a Service, switches nothing off', () => {
  const others = ['SPRAED', 'OBSERVE_INTERVALL', 'COLOUR', 'PORT', 'SERVICE_HOST', 'MODE_SERVICE_PORT'];
  for (const name of others) assert.equal(modeWith({ [`EVENKEEL_${name}`]: '1' }), 'balance', name);
});
