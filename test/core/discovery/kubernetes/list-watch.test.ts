import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { ApiClient } from '../../../../src/core/discovery/kubernetes/api-client.ts';
import { ListWatch } from '../../../../src/core/discovery/kubernetes/list-watch.ts';
import { Scouts } from '../../../../src/core/discovery/kubernetes/scouts.ts';
import type { SliceObject } from '../../../../src/core/discovery/kubernetes/slice.ts';
import { inClusterTransport } from '../../../../src/transports/kubernetes-api/in-cluster.ts';
import { podAt, sliceOf } from '../../../support/api-objects.ts';
import { type ApiServer, type Refusal, startApiServer } from '../../../support/api-server.ts';
import { settled, WatchedClock } from './setup.ts';

const PATH =
  '/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dorders';

interface Options {
  clock?: WatchedClock;
  scouts?: Scouts;
  random?: () => number;
  startSpread?: number;
  isHopeless?: () => boolean;
}

/** Keeps what a list and its watch told: the names there are, and what went wrong. */
class Mirror extends EventEmitter {
  readonly names = new Set<string>();
  readonly failures: Error[] = [];
  lists = 0;
  opens = 0;
  changes = 0;
  readonly clock: WatchedClock;
  readonly abort = new AbortController();
  readonly running: Promise<void>;

  constructor(api: ApiServer, options: Options = {}) {
    const { random = () => 0, startSpread = 0, isHopeless = () => false } = options;
    const { clock = new WatchedClock(), scouts = new Scouts(clock) } = options;
    super();
    this.clock = clock;
    const { host, port, serviceAccount } = api;
    const transport = inClusterTransport({ host, port: String(port), serviceAccount });
    const listWatch = new ListWatch<SliceObject>({
      client: new ApiClient(transport, this.clock),
      path: PATH,
      clock: this.clock,
      random,
      startSpread,
      isHopeless,
      scouts,
      listener: {
        onList: (items) => {
          this.lists++;
          this.names.clear();
          for (const { metadata } of items) this.names.add(metadata?.name ?? '');
          this.emit('news');
        },
        onEvents: (events) => {
          for (const { type, object } of events) {
            this.changes++;
            const name = object.metadata?.name ?? '';
            if (type === 'DELETED') this.names.delete(name);
            else this.names.add(name);
          }
          this.emit('news');
        },
        onOpen: () => {
          this.opens++;
          this.emit('news');
        },
        onFailure: (error) => {
          this.failures.push(error);
          this.emit('news');
        },
      },
    });
    this.running = listWatch.run(this.abort.signal);
  }

  async has(...names: string[]): Promise<void> {
    while ([...this.names].sort().join() !== names.join()) await once(this, 'news');
  }

  async opened(count: number): Promise<void> {
    while (this.opens < count) await once(this, 'news');
  }

  async failed(count: number): Promise<Error> {
    while (this.failures.length < count) await once(this, 'news');
    return this.failures[count - 1] as Error;
  }
}

function put(api: ApiServer, ...names: string[]): void {
  for (const name of names) api.store.putSlice('prod', sliceOf('orders', name, [podAt('10.0.0.1')]));
}

async function start(t: TestContext, options?: Options): Promise<{ api: ApiServer; mirror: Mirror }> {
  const api = await startApiServer(t);
  put(api, 'a', 'b');
  api.store.putSlice('prod', sliceOf('payments', 'of-another-service', []));
  api.store.putSlice('test', sliceOf('orders', 'of-another-namespace', []));
  const mirror = new Mirror(api, options);
  t.after(() => mirror.abort.abort());
  return { api, mirror };
}

/** Breaks two watches of one client, and refuses them from then on. Returns them in the order in which they failed. */
async function breakTwo(t: TestContext, refusal: Refusal) {
  const clock = new WatchedClock();
  const scouts = new Scouts(clock);
  const { api, mirror } = await start(t, { clock, scouts });
  const another = new Mirror(api, { clock, scouts });
  t.after(() => another.abort.abort());
  await Promise.all([mirror.opened(1), another.opened(1)]);
  api.refuse = () => refusal;
  clock.forget();
  api.breakWatches();
  const two: Mirror[] = [];
  await Promise.all([mirror, another].map((one) => one.failed(1).then(() => two.push(one))));
  await clock.asked(800);
  // Both would ask for themselves after half a minute.
  await clock.asked(30_000);
  await clock.asked(30_000);
  return { api, clock, two: two as [Mirror, Mirror] };
}

/** The same, with a server that is well again, but has not answered the one that asked for both. */
async function startUnanswered(t: TestContext) {
  const { api, clock, two } = await breakTwo(t, { status: 503 });
  const before = api.requests.length;
  api.mute = true;
  clock.advance(800);
  while (api.requests.length === before) await once(api, 'request');
  api.mute = false;
  api.refuse = () => undefined;
  put(api, 'c');
  return { clock, two };
}

/** How often each watch has failed. */
const failuresOf = (mirrors: readonly Mirror[]) => mirrors.map(({ failures }) => failures.length).sort();

/** Lets minutes pass, in each of which something happens elsewhere and the watch says that it lives. */
async function live(api: ApiServer, clock: WatchedClock, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    clock.advance('1m');
    clock.forget();
    api.store.version++;
    api.sendBookmarks();
    await clock.asked(1, 90_000);
  }
}

test("lists from the server's cache, then watches from there", async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.5 });
  await mirror.has('a', 'b');
  const list = await api.received('list');
  assert.equal(list.query.get('resourceVersion'), '0');

  const watch = await api.received('watch');
  assert.equal(watch.query.get('resourceVersion'), '104');
  assert.equal(watch.query.get('allowWatchBookmarks'), 'true');
  // Half-way between 5 and 10 minutes.
  assert.equal(watch.query.get('timeoutSeconds'), '450');
  assert.equal(watch.query.get('labelSelector'), 'kubernetes.io/service-name=orders');

  put(api, 'c');
  await mirror.has('a', 'b', 'c');
  api.store.removeSlice('prod', 'a');
  await mirror.has('b', 'c');
});

test('the first list is spread over the time given', async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.25, startSpread: 1_000 });
  await mirror.clock.asked(250);
  await settled();
  assert.equal(api.requests.length, 0);
  mirror.clock.advance(250);
  await mirror.has('a', 'b');
});

test('a watch that the server ends is taken up where it stood, at once when its time was over', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  put(api, 'c');
  await mirror.has('a', 'b', 'c');
  await live(api, mirror.clock, 5);
  api.endWatches();
  put(api, 'd');
  await mirror.has('a', 'b', 'c', 'd');
  assert.equal((await api.received('watch', 2)).query.get('resourceVersion'), '110');
  assert.equal(mirror.lists, 1);
});

test('a watch that ends early is opened again within a second', async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.999 });
  await mirror.opened(1);
  put(api, 'c');
  await mirror.has('a', 'b', 'c');
  api.endWatches();
  put(api, 'd');
  await mirror.clock.pass(999, 1_000);
  await mirror.has('a', 'b', 'c', 'd');
});

test('a watch that ends at once, again and again, is opened ever more rarely', async (t) => {
  const { api, mirror } = await start(t);
  for (const [index, delay] of [800, 1_600, 3_200].entries()) {
    await mirror.opened(index + 1);
    api.endWatches();
    await mirror.clock.pass(delay);
  }
});

test('a bookmark moves the place from which a broken watch goes on', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.store.version = 499;
  await live(api, mirror.clock, 1);
  api.breakWatches();
  await mirror.clock.pass(800);
  assert.equal((await api.received('watch', 2)).query.get('resourceVersion'), '500');
  assert.equal(mirror.lists, 1);
  assert.equal(mirror.changes, 0);
});

test('a silent watch is renewed, and no change is missed', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  await live(api, mirror.clock, 1);
  api.silenceWatches();
  put(api, 'c');
  mirror.clock.advance(89_999);
  await settled();
  assert.equal(mirror.failures.length, 0);
  mirror.clock.advance(1);
  assert.equal(((await mirror.failed(1)) as NodeJS.ErrnoException).code, 'EVENKEEL_KUBERNETES_SILENT');
  await mirror.clock.pass(800);
  await mirror.has('a', 'b', 'c');
  assert.equal(mirror.lists, 1);
});

test('a watch that goes on past its time is renewed', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  await live(api, mirror.clock, 5);
  mirror.clock.advance('30s');
  await mirror.failed(1);
  await mirror.clock.pass(800);
  await api.received('watch', 2);
});

for (const goneAs of ['status', 'event'] as const) {
  test(`a history that is gone (said as ${goneAs}) leads to a list, which drops what was deleted`, async (t) => {
    const { api, mirror } = await start(t, { random: () => 0.5 });
    api.goneAs = goneAs;
    await mirror.opened(1);
    await live(api, mirror.clock, 2);
    api.breakWatches();
    await mirror.clock.asked(1_200);
    api.store.removeSlice('prod', 'a');
    put(api, 'c');
    api.store.forgetHistory();
    mirror.clock.advance(1_200);

    await mirror.failed(2);
    // Half of the five seconds over which all who are in this situation spread.
    await mirror.clock.pass(2_500);
    await mirror.has('b', 'c');
    await api.received('watch', 3);
    assert.equal(mirror.lists, 2);
  });
}

test('a server that has always just lost its history is asked ever more rarely', async (t) => {
  const { api, mirror } = await start(t);
  api.store.oldest = Number.POSITIVE_INFINITY;
  for (const delay of [800, 1_600, 3_200, 6_400, 10_000]) await mirror.clock.pass(delay);
  await api.received('list', 6);
});

for (const lastWords of ['{"type":"MODIFIED","object":{"metadata":{"name":"a"', 'this is no JSON\n']) {
  test(`a watch that can't be understood (${lastWords.trim()}) is followed by a list`, async (t) => {
    const { api, mirror } = await start(t);
    await mirror.opened(1);
    api.endWatches(lastWords);
    assert.ok((await mirror.failed(1)) instanceof SyntaxError);
    api.store.removeSlice('prod', 'a');
    await mirror.clock.pass(800);
    await mirror.has('b');
    assert.equal(mirror.lists, 2);
  });
}

test('events before the one that says the history is gone count', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  const added = { type: 'ADDED', object: { metadata: { name: 'c', resourceVersion: '200' } } };
  const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } };
  api.endWatches(`${JSON.stringify(added)}\n${JSON.stringify(gone)}\n`);
  await mirror.failed(1);
  assert.deepEqual([...mirror.names], ['a', 'b', 'c']);
});

test('what a server that is behind says again is no news', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  const before = sliceOf('orders', 'a', [], { version: '101' });
  api.store.removeSlice('prod', 'a');
  await mirror.has('b');
  api.say('MODIFIED', before);
  api.say('BOOKMARK', { metadata: { resourceVersion: '102' } });
  api.say('DELETED', sliceOf('orders', 'b', [], { version: '102' }));
  put(api, 'c');
  await mirror.has('b', 'c');
  api.breakWatches();
  await mirror.clock.pass(800);
  assert.equal((await api.received('watch', 2)).query.get('resourceVersion'), '106');
});

test('a list that is older than what is known does not count, unless the latest one is', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  put(api, 'c');
  await mirror.has('a', 'b', 'c');
  api.lagging = true;
  api.refuse = ({ kind, query }) =>
    kind === 'watch' && query.get('resourceVersion') === '105' ? { status: 410 } : undefined;
  api.store.restoreAt(50);
  api.store.removeSlice('prod', 'b');
  api.breakWatches();
  await mirror.clock.passUntil(() => mirror.failures.length === 3);
  assert.match(mirror.failures[2]!.message, /the list is of version 51, before 105/);
  assert.deepEqual([...mirror.names], ['a', 'b', 'c']);
  await mirror.clock.passUntil(() => mirror.lists === 2);
  assert.deepEqual([...mirror.names], ['a', 'c']);
  assert.equal((await api.received('list', 3)).query.get('resourceVersion'), '');
});

test('a token that was replaced on disk is used for the next request', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.token = 'second-token';
  api.writeToken('second-token');
  await live(api, mirror.clock, 5);
  api.endWatches();
  await mirror.opened(2);
  assert.equal((await api.received('watch', 2)).token, 'second-token');
  assert.equal(mirror.failures.length, 0);
});

test('a token that is refused before the new one is on disk costs no more than a pause', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.token = 'second-token';
  api.breakWatches();
  await mirror.clock.pass(800);
  assert.match((await mirror.failed(2)).message, /401/);
  api.writeToken('second-token');
  put(api, 'c');
  await mirror.clock.pass(1_600);
  await mirror.has('a', 'b', 'c');
  assert.equal(mirror.lists, 1);
});

test('a first refusal is asked again after half a minute, and ever more rarely, every ten minutes at last', async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.5 });
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  assert.match((await mirror.failed(1)).message, /403: forbidden/);
  for (const delay of [33_750, 67_500, 135_000, 270_000, 540_000, 675_000]) await mirror.clock.pass(delay);
  await mirror.clock.asked(675_000);
  api.refuse = () => undefined;
  mirror.clock.advance(675_000);
  await mirror.has('a', 'b');
});

test('a server that refuses what it allowed is asked every few seconds, and watched on', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.refuse = () => ({ status: 403 });
  api.breakWatches();
  let refused = 0;
  for (const delay of [800, 1_600, 3_200, 4_300, 4_300]) refused += await mirror.clock.pass(delay);
  assert.ok(refused < 30_000);
  await mirror.clock.asked(4_300);
  api.store.removeSlice('prod', 'b');
  api.refuse = () => undefined;
  mirror.clock.advance(4_300);
  await mirror.has('a');
  assert.equal(mirror.lists, 1);
});

for (const status of [403, 503]) {
  test(`of watches that break and get ${status} one asks at a time, and the others follow as soon as it is open`, async (t) => {
    const { api, clock, two } = await breakTwo(t, { status });
    clock.advance(800);
    await clock.pass(1_600);
    await clock.asked(3_200);
    // Each has had its turn.
    assert.deepEqual(failuresOf(two), [2, 2]);
    api.refuse = () => undefined;
    put(api, 'c');
    clock.advance(3_200);
    for (const mirror of two) await mirror.has('a', 'b', 'c');
  });
}

test('a watch that is still refused keeps one that is allowed again waiting for no longer than to its turn', async (t) => {
  const { api, clock, two } = await breakTwo(t, { status: 403 });
  clock.advance(800);
  await clock.asked(1_600);
  assert.equal(two[0].failures.length, 2);
  api.refuse = () => undefined;
  put(api, 'c');
  clock.advance(1_600);
  await two[1].has('a', 'b', 'c');
});

test('a watch that gets no answer keeps others waiting for a few seconds, then the next one asks', async (t) => {
  const { clock, two } = await startUnanswered(t);
  await clock.pass(4_400);
  await two[1].has('a', 'b', 'c');
});

test('a watch that is ended while it asks for all lets the next one ask at once', async (t) => {
  const { two } = await startUnanswered(t);
  two[0].abort.abort();
  await two[0].running;
  await two[1].has('a', 'b', 'c');
});

test('rights that are taken away for good are asked for as rarely as those that never were there, then listed', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.refuse = () => ({ status: 403 });
  api.breakWatches();
  await mirror.clock.pass(800);
  for (let refused = 0; refused < 60_000; ) refused += await mirror.clock.pass(1_600, 4_300);
  mirror.clock.forget();
  await mirror.clock.pass(30_000);
  await mirror.clock.asked(60_000);
  api.store.removeSlice('prod', 'b');
  api.refuse = () => undefined;
  mirror.clock.advance(60_000);
  await mirror.has('a');
  assert.equal(mirror.lists, 2);
});

test('one that has too much to do is left alone for longer, whatever it gave before', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.refuse = () => ({ status: 429 });
  api.breakWatches();
  for (const delay of [800, 1_600, 3_200, 6_400, 10_000]) await mirror.clock.pass(delay);
});

test('a server that asks for a pause gets it', async (t) => {
  const { api, mirror } = await start(t);
  api.refuse = () => ({ status: 429, retryAfter: 7 });
  await mirror.clock.asked(7_000);
  assert.match(mirror.failures[0]?.message ?? '', /429: Too many requests, please try again later\.$/);
  api.refuse = () => undefined;
  mirror.clock.advance(7_000);
  await mirror.has('a', 'b');
});

test('an error event may ask for a pause as well', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  const object = { kind: 'Status', code: 429, message: 'too many', details: { retryAfterSeconds: 3 } };
  api.endWatches(`${JSON.stringify({ type: 'ERROR', object })}\n`);
  await mirror.clock.pass(3_000);
  await api.received('watch', 2);
});

test('failures are followed by pauses that double up to ten seconds, each lengthened at random', async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.25 });
  api.refuse = () => ({ status: 500, message: 'etcd has no leader' });
  for (const delay of [1_000, 2_000, 4_000, 8_000, 12_500]) await mirror.clock.pass(delay);
  await mirror.clock.asked(12_500);
  api.refuse = () => undefined;
  mirror.clock.advance(12_500);
  await mirror.has('a', 'b');

  // Two minutes without a failure, and they start anew.
  await mirror.opened(1);
  await live(api, mirror.clock, 3);
  api.breakWatches();
  await mirror.clock.asked(1_000);
});

test('a server that is away for a minute is found again within half a minute, and listed', async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.25 });
  await mirror.opened(1);
  await api.stop();
  let away = 0;
  for (const pause of [1_000, 2_000, 4_000, 8_000]) away += await mirror.clock.pass(pause);
  while (away < 60_000) away += await mirror.clock.pass(12_500);
  await mirror.clock.asked(12_500);
  api.store.removeSlice('prod', 'a');
  await api.start();
  mirror.clock.advance(12_500);
  await mirror.has('b');
  assert.equal(mirror.lists, 2);
});

test('a server that was away for a moment is watched on, not listed', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  await api.stop();
  await mirror.clock.pass(800);
  await mirror.failed(2);
  put(api, 'c');
  await api.start();
  await mirror.clock.pass(1_600);
  await mirror.has('a', 'b', 'c');
  assert.equal(mirror.lists, 1);
});

test('a watch that never says a word may wait for a history that is not to come: it is followed by a list', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.breakWatches();
  api.store.restoreAt(50);
  await mirror.clock.pass(800);
  await mirror.opened(2);
  api.store.removeSlice('prod', 'a');
  await settled();
  assert.deepEqual([...mirror.names], ['a', 'b']);
  await mirror.clock.pass(90_000);
  await mirror.has('b');
});

test('a list brings nothing older than what is known, unless that is not to come', async (t) => {
  const { api, mirror } = await start(t, { random: () => 0.25 });
  await mirror.opened(1);
  await api.stop();
  for (const pause of [1_000, 2_000, 4_000, 8_000, 12_500, 12_500]) await mirror.clock.pass(pause);
  await mirror.clock.asked(12_500);
  // One that lags behind, or was restored from a backup: at first that can't be told.
  api.store.restoreAt(50);
  api.store.removeSlice('prod', 'b');
  await api.start();
  mirror.clock.advance(12_500);
  const failures = mirror.failures.length;
  assert.match((await mirror.failed(failures + 1)).message, /504: Timeout: Too large resource version: 104/);
  assert.deepEqual([...mirror.names], ['a', 'b']);
  assert.equal((await api.received('list', 2)).query.get('resourceVersion'), '104');

  await mirror.clock.pass(1_250);
  await mirror.has('a');
  assert.equal((await api.received('list', 3)).query.get('resourceVersion'), '');
  assert.equal((await api.received('watch', 2)).query.get('resourceVersion'), '51');
});

test('a slice that becomes that of another Service is gone', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  api.store.putSlice('prod', sliceOf('payments', 'a', [podAt('10.0.0.1')]));
  await mirror.has('b');
  put(api, 'a');
  await mirror.has('a', 'b');
});

test('a watch whose headers a proxy holds back is a watch', async (t) => {
  const { api, mirror } = await start(t);
  api.holdsHeaders = true;
  await api.watched();
  await settled();
  mirror.clock.advance(89_000);
  put(api, 'c');
  await mirror.has('a', 'b', 'c');
  assert.equal(mirror.failures.length, 0);
  assert.equal(mirror.lists, 1);
});

test('where nothing ever happens, silence is borne for longer and longer, until something does', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  mirror.clock.forget();
  mirror.clock.advance(90_000);
  for (const [index, silence] of [180_000, 330_000, 330_000].entries()) {
    await mirror.opened(index + 2);
    // No longer than the watch was to last, and a bit.
    await mirror.clock.pass(silence);
  }
  await mirror.opened(5);
  assert.equal(mirror.failures.length, 0);
  put(api, 'c');
  await mirror.has('a', 'b', 'c');
  mirror.clock.forget();
  api.breakWatches();
  await mirror.clock.pass(800, 1_600);
  await mirror.clock.asked(90_000);
});

test('after a watch that held for a while the first pause is short, whatever was before', async (t) => {
  const { api, mirror } = await start(t);
  api.refuse = () => ({ status: 500 });
  for (const delay of [800, 1_600, 3_200]) await mirror.clock.pass(delay);
  await mirror.clock.asked(6_400);
  api.refuse = () => undefined;
  mirror.clock.advance(6_400);
  await mirror.opened(1);
  mirror.clock.advance('11s');
  api.breakWatches();
  await mirror.clock.asked(800);
});

test('a server that takes a request and says nothing is given up', async (t) => {
  const { api, mirror } = await start(t);
  api.mute = true;
  await api.received('list');
  await mirror.clock.pass(15_000);
  assert.equal(((await mirror.failed(1)) as NodeJS.ErrnoException).code, 'EVENKEEL_KUBERNETES_SILENT');
  api.mute = false;
  await mirror.clock.pass(800);
  await mirror.has('a', 'b');
});

test('what was never there is asked for as rarely as what is refused', async (t) => {
  const { api, mirror } = await start(t, { isHopeless: () => true });
  api.refuse = () => ({ status: 500 });
  for (const delay of [30_000, 60_000]) await mirror.clock.pass(delay);
});

test('when it is stopped nothing is left: no timer and no connection', async (t) => {
  const { api, mirror } = await start(t);
  await mirror.opened(1);
  mirror.abort.abort();
  await mirror.running;
  assert.equal(mirror.clock.pending, 0);
  await api.left();
});

test('it can be stopped while it waits to try again', async (t) => {
  const { api, mirror } = await start(t);
  api.refuse = () => ({ status: 500 });
  await mirror.clock.asked(800);
  mirror.abort.abort();
  await mirror.running;
  assert.equal(mirror.clock.pending, 0);
  assert.equal(mirror.failures.length, 1);
});
