import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { resolveSettings } from '../../../src/config/resolve-settings.ts';
import { Demand } from '../../../src/core/base/demand.ts';
import type { EndpointUpdate } from '../../../src/core/discovery/resolver.ts';
import { Fleet } from '../../../src/transports/grpc/fleet.ts';
import { FakeClock } from '../../support/clock.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function startFleet(): Fleet {
  const clock = new FakeClock();
  return new Fleet({
    settings: resolveSettings({ clock, random: () => 0.5 }, {}),
    origin: 'grpc://orders.prod:50051',
    identity: 'test',
    demand: new Demand(),
    rate: { affordable: 0, latest: 0 },
    onUnreachable: () => false,
  });
}

function behind(address: string): EndpointUpdate {
  return { endpoints: [{ address, port: 50_051 }], source: 'dns', virtual: true };
}

/** Fails calls on each slot of a fleet, after its connection has broken. */
function breakSlots(fleet: Fleet): WeakRef<object>[] {
  return Array.from(fleet.slots(), (slot) => {
    fleet.onConnected(slot);
    fleet.onDisconnected(slot);
    fleet.health.judge(slot.endpoint, slot, 'failure', 0);
    return new WeakRef(slot);
  });
}

test('a slot that failed its last calls is forgotten when its address leaves the set', async () => {
  const fleet = startFleet();
  fleet.update(behind('10.0.0.1'));
  const slots = breakSlots(fleet);
  fleet.update(behind('10.0.0.2'));
  await new Promise(setImmediate);
  collect();
  assert.ok(slots.length > 0);
  assert.deepEqual(
    slots.filter((slot) => slot.deref() !== undefined),
    [],
  );
  fleet.close();
});
