import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { EndpointSet } from '../../../src/core/endpoints/endpoint-set.ts';
import { IDLE_BOARD } from '../../support/endpoints.ts';

const pod = (n: number, id?: string): EndpointAddress => ({ address: `10.0.0.${n}`, port: 80, id });

const startSet = () =>
  new EndpointSet((key, info, identity) => new Endpoint(key, info, IDLE_BOARD, identity));

function replace(set: EndpointSet<Endpoint>, endpoints: readonly EndpointAddress[]) {
  const { fresh, gone } = set.replace({ endpoints, source: 'test' }, 8);
  return { fresh: fresh.map(({ key }) => key), gone: gone.map(({ key }) => key) };
}

/** Numbers from 0 to below 1, the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('what is handed out again, in part or anew, twice or in another order, makes the set that is said', () => {
  const random = randomFrom(7);
  const set = startSet();
  let list: EndpointAddress[] = [];
  for (let round = 0; round < 2_000; round++) {
    const known = new Map([...set.current]);
    list = [...list];
    for (let changes = 1 + random() * 3; changes > 0; changes--) {
      const at = Math.floor(random() * list.length);
      const n = Math.floor(random() * 12);
      const [chance, count] = [random(), Math.floor(random() * 2)];
      if (chance < 0.7) list.splice(at, count, pod(n));
      else if (chance < 0.9) list.splice(at, 1);
      else list.reverse();
    }
    const wanted = new Set(list.map(({ address }) => `${address}:80`));
    const { fresh, gone } = replace(set, list);
    assert.deepEqual(new Set(set.current.keys()), wanted);
    assert.deepEqual(new Set(fresh), new Set([...wanted].filter((key) => !known.has(key))));
    assert.deepEqual(new Set(gone), new Set([...known.keys()].filter((key) => !wanted.has(key))));
    for (const [key, endpoint] of known) if (wanted.has(key)) assert.equal(set.current.get(key), endpoint);
  }
});

test('a resolver may go on with its own list', () => {
  const set = startSet();
  const list = [pod(1), pod(2)];
  replace(set, list);
  list.push(pod(3));
  list.shift();
  assert.deepEqual(replace(set, list), { fresh: ['10.0.0.3:80'], gone: ['10.0.0.1:80'] });
});

test('a pod that came by the address of another is another', () => {
  const set = startSet();
  replace(set, [pod(1, 'a'), pod(2, 'b')]);
  assert.deepEqual(replace(set, [pod(1, 'a'), pod(2, 'c')]), {
    fresh: ['10.0.0.2:80'],
    gone: ['10.0.0.2:80'],
  });
});

test('a pod behind a virtual IP is among the endpoints once, be it known, replaced or draining', () => {
  const set = startSet();
  set.replace({ endpoints: [pod(1)], source: 'test', virtual: true }, 1);
  const [slot] = set.current.values();
  const named = set.addPod('a', slot!);
  const count = () => [...set].filter((endpoint) => endpoint === named).length;
  assert.equal(count(), 1);
  set.supersede(named);
  assert.equal(count(), 1);
  set.drain(named);
  assert.equal(count(), 1);
});

test('a pod behind a virtual IP that is replaced is in no set any more, and its name is that of the next one', () => {
  const set = startSet();
  set.replace({ endpoints: [pod(1)], source: 'test', virtual: true }, 1);
  const [slot] = set.current.values();
  const before = set.addPod('a', slot!);
  set.supersede(before);
  assert.equal(set.kindOf(before), undefined);
  const after = set.addPod('a', slot!);
  set.drain(before);
  assert.equal(set.forget(before), false);
  assert.equal(set.pods.get('a'), after);
  assert.equal(set.kindOf(after), 'pod');
});
