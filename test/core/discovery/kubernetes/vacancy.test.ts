import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vacancy } from '../../../../src/core/discovery/kubernetes/vacancy.ts';
import { FakeClock } from '../../../support/clock.ts';

const CLUSTER_IP = { address: '10.96.0.10', port: 80 };

function setUp() {
  const clock = new FakeClock();
  const state = { serves: false, knocks: 0, changes: 0 };
  const vacancy = new Vacancy({
    clock,
    canConnect: async () => {
      state.knocks++;
      return state.serves;
    },
    onChange: () => state.changes++,
  });
  return { clock, state, vacancy };
}

test('a ClusterIP that takes a connection serves, until it takes none', async () => {
  const { state, vacancy } = setUp();
  state.serves = true;
  await Promise.all([vacancy.ask(CLUSTER_IP), vacancy.ask(CLUSTER_IP)]);
  assert.equal(vacancy.serves, true);
  await vacancy.ask(CLUSTER_IP);
  assert.deepEqual([state.knocks, state.changes], [1, 1]);
  vacancy.lost();
  assert.equal(vacancy.serves, false);
  assert.equal(state.changes, 2);
});

test('a ClusterIP that takes no connection is asked for again half a second later, if a request comes', async () => {
  const { clock, state, vacancy } = setUp();
  await vacancy.ask(CLUSTER_IP);
  clock.advance(499);
  await vacancy.ask(CLUSTER_IP);
  assert.deepEqual([state.knocks, state.changes], [1, 0]);
  state.serves = true;
  clock.advance(1);
  await vacancy.ask(CLUSTER_IP);
  assert.deepEqual([state.knocks, vacancy.serves], [2, true]);
  // One that has just been lost is left alone as well.
  vacancy.lost();
  await vacancy.ask(CLUSTER_IP);
  assert.equal(state.knocks, 2);
});

test('if pods come meanwhile, the answer of the ClusterIP says nothing', async () => {
  const { state, vacancy } = setUp();
  state.serves = true;
  const asked = vacancy.ask(CLUSTER_IP);
  vacancy.end();
  await asked;
  assert.deepEqual([vacancy.serves, state.changes], [false, 0]);
});
