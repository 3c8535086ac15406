import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Judge, type Known, type Verdict, Verdicts } from '../../../src/transports/global/verdicts.ts';
import { FakeClock } from '../../support/clock.ts';

const ORIGIN = 'http://orders';

interface Setup {
  clock: FakeClock;
  verdicts: Verdicts;
  judged: string[];
}

function setUp(judge: Judge, maxOrigins = 10): Setup {
  const clock = new FakeClock();
  const judged: string[] = [];
  const verdicts = new Verdicts({
    judge: (origin) => {
      judged.push(origin);
      return judge(origin);
    },
    clock,
    maxOrigins,
    timeout: 5_000,
  });
  return { clock, verdicts, judged };
}

/** The verdict that a request gets, at once or after some time. */
async function settled(known: Known): Promise<Verdict> {
  return known.name === 'pending' ? (await known.settled).name : known.name;
}

test('a verdict that is clear at once is given at once, and remembered', () => {
  const { verdicts, judged } = setUp(() => 'managed');
  assert.equal(verdicts.on(ORIGIN).name, 'managed');
  assert.equal(verdicts.on(ORIGIN).name, 'managed');
  assert.deepEqual(judged, [ORIGIN]);
});

test('all who come before the verdict wait for the same one', async () => {
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const { clock, verdicts, judged } = setUp(() => promise);
  const first = verdicts.on(ORIGIN);
  assert.equal(first.name, 'pending');
  assert.equal(verdicts.on(ORIGIN), first);
  resolve('managed');
  assert.equal(await settled(first), 'managed');
  assert.equal(verdicts.on(ORIGIN).name, 'managed');
  assert.deepEqual(judged, [ORIGIN]);
  assert.equal(clock.pending, 0);
});

test('what is foreign is judged anew after some minutes, while requests go on', async () => {
  const verdictsToCome: (Verdict | Promise<Verdict>)[] = ['foreign', Promise.resolve('managed')];
  const { clock, verdicts, judged } = setUp(() => verdictsToCome.shift()!);
  verdicts.on(ORIGIN);
  clock.advance('299s');
  verdicts.on(ORIGIN);
  assert.equal(judged.length, 1);
  clock.advance('1s');
  assert.equal(verdicts.on(ORIGIN).name, 'foreign');
  assert.equal(verdicts.on(ORIGIN).name, 'foreign');
  assert.equal(judged.length, 2);
  await setImmediate();
  assert.equal(verdicts.on(ORIGIN).name, 'managed');
});

test('what is managed stays managed', () => {
  const { clock, verdicts, judged } = setUp(() => 'managed');
  verdicts.on(ORIGIN);
  clock.advance('24h');
  assert.equal(verdicts.on(ORIGIN).name, 'managed');
  assert.equal(judged.length, 1);
});

test('where nothing can be found out, it is foreign for some seconds', async () => {
  const { clock, verdicts, judged } = setUp(() => Promise.reject(new Error('no such name')));
  assert.equal(await settled(verdicts.on(ORIGIN)), 'foreign');
  clock.advance('9s');
  verdicts.on(ORIGIN);
  assert.equal(judged.length, 1);
  clock.advance('1s');
  assert.equal(verdicts.on(ORIGIN).name, 'foreign');
  assert.equal(judged.length, 2);
});

test('nobody waits longer than they may', async () => {
  const { clock, verdicts } = setUp(() => new Promise(() => {}));
  const known = verdicts.on(ORIGIN);
  clock.advance('5s');
  assert.equal(await settled(known), 'foreign');
});

test('origins are forgotten that were not used for longest', () => {
  const { verdicts, judged } = setUp(() => 'managed', 2);
  for (const origin of ['http://a', 'http://b', 'http://a', 'http://c', 'http://a', 'http://b'])
    verdicts.on(origin);
  assert.deepEqual(judged, ['http://a', 'http://b', 'http://c', 'http://b']);
});
