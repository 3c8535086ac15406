import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PickerBoard } from '../../../src/core/endpoints/board.ts';
import type { Endpoint } from '../../../src/core/endpoints/endpoint.ts';
import { Pickers } from '../../../src/core/endpoints/pickers.ts';
import * as reasons from '../../../src/core/endpoints/reasons.ts';
import { FakeClock } from '../../support/clock.ts';
import { endpointOf } from '../../support/endpoints.ts';

const { COLD, FULL, UNTRIED } = reasons;
/** Each reason, by its name in the code. */
const REASONS = Object.entries(reasons).filter(
  (entry): entry is [string, number] =>
    typeof entry[1] === 'number' &&
    !['UNFIT', 'UNDIALABLE', 'UNAVAILABLE', 'HEALTH', 'RARE'].includes(entry[0]),
);

function startBoard(maxRequests = Number.POSITIVE_INFINITY) {
  const pickers = new Pickers<Endpoint>({
    policy: 'least-request',
    peakEwma: { decay: 1, seed: 1 },
    clock: new FakeClock(),
    random: () => 0,
  });
  const board = new PickerBoard<Endpoint>('http://orders.prod', pickers, maxRequests);
  const endpoints = [endpointOf(1, board), endpointOf(2, board)] as const;
  const [one] = endpoints;
  const pickerOf = ({ picker }: Endpoint) =>
    (['ready', 'dialable', 'untried'] as const).find((name) => pickers[name] === picker);
  /** Where the endpoint stands with no reasons but these. */
  const standsWith = (mask: number) => {
    one.setReasons(-1, mask);
    return pickerOf(one);
  };
  return { board, pickers, endpoints, one, pickerOf, standsWith };
}

test('a new endpoint is cold, and not picked', () => {
  const { one, pickerOf } = startBoard();
  assert.deepEqual(reasons.namesOf(one.reasons), ['cold', 'full', 'untried']);
  assert.equal(pickerOf(one), undefined);
  assert.equal(one.warm, false);
});

test('an endpoint with room is ready; one to be dialled is dialable, or untried if it never was connected', () => {
  const { standsWith } = startBoard();
  assert.equal(standsWith(0), 'ready');
  assert.equal(standsWith(FULL), 'dialable');
  assert.equal(standsWith(FULL | UNTRIED), 'untried');
});

/** Where an endpoint stands that has room, and one that has not, with each reason alone. */
const PLACES: Record<string, readonly [room: string | undefined, none: string | undefined]> = {
  DRAINING: [undefined, undefined],
  EJECTED: [undefined, undefined],
  PAUSED: [undefined, undefined],
  ON_TRIAL: ['ready', 'dialable'],
  FAILING: ['ready', 'dialable'],
  SILENT: [undefined, undefined],
  IN_DOUBT: [undefined, undefined],
  REQUEST_LIMIT: [undefined, undefined],
  COLD: [undefined, undefined],
  BACKING_OFF: ['ready', undefined],
  FROZEN: ['ready', undefined],
  SUPERSEDED: ['ready', undefined],
  OPENING: ['ready', undefined],
  CONNECTION_LIMIT: ['ready', undefined],
  FULL: ['dialable', 'dialable'],
  UNTRIED: ['ready', 'untried'],
};

for (const [name, reason] of REASONS) {
  const [room, none] = PLACES[name]!;
  test(`${name} alone: with room, it is ${room ?? 'not picked'}; without, ${none ?? 'not dialled'}`, () => {
    const { one, pickerOf, standsWith } = startBoard();
    assert.equal(standsWith(reason), room);
    one.lift(reason);
    assert.equal(pickerOf(one), 'ready');
    assert.equal(standsWith(FULL | reason), none);
    if (reason !== FULL) one.lift(reason);
    assert.equal(pickerOf(one), 'dialable');
  });
}

test('a reason that is lifted brings nothing back that another one keeps', () => {
  const { one, pickerOf, standsWith } = startBoard();
  assert.equal(standsWith(reasons.EJECTED | reasons.IN_DOUBT), undefined);
  one.lift(reasons.EJECTED);
  assert.equal(pickerOf(one), undefined);
  one.lift(reasons.IN_DOUBT);
  assert.equal(pickerOf(one), 'ready');
});

test('an endpoint on trial has one request at a time', () => {
  const { one, pickerOf } = startBoard();
  one.setReasons(-1, 0);
  one.beginAttempt();
  one.bar(reasons.ON_TRIAL);
  assert.equal(pickerOf(one), undefined);
  one.endAttempt(false);
  assert.equal(pickerOf(one), 'ready');
  one.beginAttempt();
  assert.equal(pickerOf(one), undefined);
  one.lift(reasons.ON_TRIAL);
  assert.equal(pickerOf(one), 'ready');
});

test('an endpoint has as many requests as it may', () => {
  const { one, pickerOf } = startBoard(2);
  one.setReasons(-1, 0);
  one.beginAttempt();
  assert.equal(pickerOf(one), 'ready');
  one.beginAttempt();
  assert.equal(pickerOf(one), undefined);
  one.endAttempt(true);
  assert.equal(pickerOf(one), 'ready');
});

test('whichever slot of a virtual IP is dialled, it may lead to any pod', () => {
  const { board, standsWith, one, pickerOf } = startBoard();
  assert.equal(standsWith(FULL), 'dialable');
  board.dialsLeadAnywhere = true;
  board.updateAll([one]);
  assert.equal(pickerOf(one), 'untried');
});

test('a cold endpoint is not picked, unless it was replaced by one that is not connected yet', () => {
  const { standsWith } = startBoard();
  assert.equal(standsWith(COLD), undefined);
  assert.equal(standsWith(COLD | reasons.SUPERSEDED), 'ready');
  assert.equal(standsWith(COLD | FULL | reasons.SUPERSEDED), undefined);
});

test('the watcher hears of reasons that change seldom, and of nothing else', () => {
  const { board, one } = startBoard();
  one.setReasons(-1, 0);
  const heard: [number, number, boolean][] = [];
  board.watch((endpoint, before) => heard.push([before, endpoint.reasons, endpoint.picker === undefined]));
  for (const [name, reason] of REASONS) {
    heard.length = 0;
    one.bar(reason);
    one.bar(reason);
    one.lift(reason);
    one.lift(reason);
    const isRare = (reason & reasons.RARE) !== 0;
    // It stands where it belongs by then.
    const out = PLACES[name]![0] === undefined;
    const expected = [
      [0, reason, out],
      [reason, 0, false],
    ];
    assert.deepEqual(heard, isRare ? expected : [], name);
  }
});

test('several reasons that change at once are told once', () => {
  const { board, one } = startBoard();
  one.setReasons(-1, reasons.EJECTED);
  let heard = 0;
  board.watch(() => heard++);
  one.setReasons(reasons.EJECTED | reasons.PAUSED | reasons.ON_TRIAL, reasons.ON_TRIAL | reasons.PAUSED);
  assert.equal(heard, 1);
  assert.deepEqual(reasons.namesOf(one.reasons), ['paused', 'on-trial']);
});

test('reasons have names, each its own', () => {
  const names = REASONS.map(([, reason]) => reasons.namesOf(reason));
  assert.deepEqual(
    names.flat(),
    REASONS.map(([name]) => name.toLowerCase().replaceAll('_', '-')),
  );
  const all = REASONS.reduce((sum, [, reason]) => sum | reason, 0);
  assert.equal(reasons.namesOf(all).length, REASONS.length);
  assert.deepEqual(reasons.namesOf(0), []);
});

test('endpoints that are left out for a moment are back where they belong afterwards', () => {
  const { board, endpoints, pickerOf } = startBoard();
  const [one, other] = endpoints;
  one.setReasons(-1, 0);
  other.setReasons(-1, FULL);
  board.without(endpoints);
  assert.deepEqual(endpoints.map(pickerOf), [undefined, undefined]);
  board.updateAll(endpoints);
  assert.deepEqual(endpoints.map(pickerOf), ['ready', 'dialable']);
});

test('the first weight that differs has all endpoints placed anew', () => {
  const { board, pickers, endpoints, one } = startBoard();
  for (const endpoint of endpoints) endpoint.setReasons(-1, 0);
  const { ready } = pickers;
  one.weight = 3;
  board.reweigh(one, endpoints);
  assert.notEqual(pickers.ready, ready);
  for (const { picker } of endpoints) assert.equal(picker, pickers.ready);
});

test('those that wait are served where there is room, and stirred only while they wait for an end', () => {
  const { board, one } = startBoard();
  const told: string[] = [];
  const waiters = {
    isAwaited: false,
    serve: () => void told.push('serve'),
    serveSoon: () => void told.push('soon'),
    onUnreached: () => void told.push('unreached'),
  };
  board.stir();
  board.serveTo(waiters);
  board.stir();
  assert.deepEqual(told, []);
  board.wake();
  waiters.isAwaited = true;
  board.stir();
  board.onUnreached(one, new Error('refused'));
  assert.deepEqual(told, ['serve', 'soon', 'unreached', 'soon']);
});
