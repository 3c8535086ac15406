import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Happenings } from '../../src/admin/happenings.ts';
import { channels } from '../../src/core/base/channels.ts';

const origin = 'http://orders.prod';

function discovers(count: number): void {
  channels.discoveryUpdate.publish({ origin, source: 'dns', endpoints: Array(count).fill({}) });
}

test('look-ups that find as many endpoints as before push out nothing', (t) => {
  const happenings = new Happenings(() => undefined);
  t.after(() => happenings.stop());
  channels.endpointEject.publish({ origin, address: '10.1.0.7:8080', reason: '503', duration: 30_000 });
  for (let n = 0; n < 1_000; n++) discovers(3);
  discovers(2);
  const said = happenings.last.map(({ says }) => says);
  assert.deepEqual(said, [
    '10.1.0.7:8080 is ejected for 503, for 30 s',
    '3 endpoints by dns',
    '2 endpoints by dns',
  ]);
});

test('after a look-up that failed, the next one that finds endpoints is told', (t) => {
  const happenings = new Happenings(() => undefined);
  t.after(() => happenings.stop());
  discovers(3);
  channels.discoveryError.publish({ origin, error: new Error('timeout') });
  discovers(3);
  const said = happenings.last.map(({ says }) => says);
  assert.deepEqual(said, ['3 endpoints by dns', 'nothing newer is known: timeout', '3 endpoints by dns']);
});
