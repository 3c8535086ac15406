import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nextTurn } from '../../../src/core/base/clock.ts';
import { installGrpc } from '../../../src/grpc.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { EchoClient, startBalanced } from '../../support/grpc-client.ts';
import { grpc, startGrpcPod, TRUSTS_SILENCE } from '../../support/grpc-pod.ts';
import { startStock } from '../../support/grpc-stock.ts';
import type { Addressed } from '../../support/manual-resolver.ts';
import { nextAddress } from '../../support/pods.ts';
import { startRawServer } from '../../support/raw-server.ts';

const { connectivityState: states, status } = grpc;

interface Place {
  /** A channel that evenkeel balances, and one of grpc-js alone. */
  start(t: TestContext): Promise<{ ours: EchoClient; stock: EchoClient }>;
  /** What becomes of a channel. */
  readonly state: number;
  /** Milliseconds that a call has: it uses them up where it is held. */
  readonly time: number;
}

const never = async function* () {
  await new Promise(() => {});
};

function startBoth(t: TestContext, pods: readonly Addressed[]) {
  return { ours: startBalanced(t, pods).client, stock: startStock(t, pods) };
}

/** What calls are held for, or fail of. */
const PLACES: Record<string, Place> = {
  'while nobody has said which pods there are': {
    start: async (t) => ({
      ours: startBalanced(t, [], { discovery: never }).client,
      stock: startStock(t, undefined),
    }),
    state: states.CONNECTING,
    time: 100,
  },
  'while nobody has said whether its host is managed': {
    async start(t) {
      const dns = await startDnsServer(t);
      dns.misbehave('*', 'silent');
      const balancing = installGrpc(grpc, { dns: { servers: [dns.address] } });
      t.after(() => balancing.uninstall());
      const ours = new EchoClient('orders.unknown.test:50051');
      t.after(() => ours.close());
      return { ours, stock: startStock(t, undefined) };
    },
    state: states.CONNECTING,
    time: 100,
  },
  'while its pods are silent': {
    start: async (t) => startBoth(t, [await startRawServer(t), await startRawServer(t)]),
    state: TRUSTS_SILENCE ? states.READY : states.CONNECTING,
    time: 100,
  },
  'while its pods refuse connections': {
    start: async (t) => startBoth(t, [{ endpoint: { address: nextAddress(), port: 1 } }]),
    state: states.TRANSIENT_FAILURE,
    time: 10_000,
  },
};

type Outcome = string | number | undefined;
type Deed = (client: EchoClient, place: Place) => Promise<Outcome>;

const codeOf = (call: Promise<string>): Promise<Outcome> =>
  call.then(
    () => 'served',
    ({ code }) => code,
  );

/** Resolves once a channel that is in use is what it becomes there. */
async function settled({ stub }: EchoClient, { state }: Place): Promise<void> {
  while (stub.getChannel().getConnectivityState(true) !== state) await sleep(1);
}

async function closed(client: EchoClient, place: Place, waitForReady: boolean): Promise<Outcome> {
  const code = codeOf(client.call({ waitForReady }));
  await settled(client, place);
  client.close();
  return code;
}

const DEEDS: Record<string, Deed> = {
  'a call with a deadline': (client, { time }) => codeOf(client.call({ deadline: Date.now() + time })),
  'a call whose deadline is over': (client) => codeOf(client.call({ deadline: Date.now() - 1 })),
  'a call that waits for ready, with a deadline': (client) =>
    codeOf(client.call({ deadline: Date.now() + 100, waitForReady: true })),
  async 'a call that is cancelled at once'(client) {
    const stream = client.bidi();
    const ended = once(stream, 'error');
    stream.cancel();
    return (await ended)[0].code;
  },
  async 'a call that is cancelled later'(client, place) {
    const stream = client.bidi({ waitForReady: true });
    const ended = once(stream, 'error');
    await settled(client, place);
    stream.cancel();
    return (await ended)[0].code;
  },
  async 'a call whose channel is closed at once'(client) {
    const code = codeOf(client.call());
    client.close();
    return code;
  },
  'a call whose channel is closed later': (client, place) => closed(client, place, false),
  'a call that waits for ready, whose channel is closed': (client, place) => closed(client, place, true),
  async 'the state of a channel that nobody uses'({ stub }) {
    await nextTurn();
    return states[stub.getChannel().getConnectivityState(false)];
  },
  async 'the state of a channel that is to connect'(client, place) {
    await settled(client, place);
    return 'settled';
  },
  async 'the state of a channel that is closed'({ stub }) {
    const channel = stub.getChannel();
    const watched = new Promise<Error | undefined>((resolve) =>
      channel.watchConnectivityState(channel.getConnectivityState(true), Number.POSITIVE_INFINITY, resolve),
    );
    channel.close();
    return `${await watched}, ${states[channel.getConnectivityState(false)]}`;
  },
  'a channel that is waited for': ({ stub }) =>
    new Promise((resolve) => stub.waitForReady(Date.now() + 100, (error) => resolve(error?.message))),
};

for (const [name, place] of Object.entries(PLACES)) {
  describe(`${name}, as with grpc-js alone`, () => {
    for (const [deed, run] of Object.entries(DEEDS)) {
      // Versions that trust silence send the call there, and go on with it after the end of its channel.
      const skip = place.state === states.READY && /channel is closed( later)?$/.test(deed);
      test(deed, { skip }, async (t) => {
        const { ours, stock } = await place.start(t);
        const [outcome, expected] = await Promise.all([run(ours, place), run(stock, place)]);
        assert.equal(outcome, expected);
      });
    }
  });
}

test('calls that were held are served when discovery is done: those that are not over', async (t) => {
  const pod = await startGrpcPod(t);
  const { client, resolver } = startBalanced(t, []);
  const over = codeOf(client.call({ deadline: Date.now() + 50 }));
  const held = [client.call(), client.call({ waitForReady: true }), client.upload(['one', 'two'])];
  const stream = client.bidi();
  stream.write(Buffer.from('three'));
  const given = client.bidi().on('error', () => {});
  assert.equal(await over, status.DEADLINE_EXCEEDED);
  given.cancel();
  resolver.set([pod]);
  assert.equal(`${(await once(stream, 'data'))[0]}`, 'three');
  stream.end();
  assert.deepEqual(await Promise.all(held), [pod.address, pod.address, `${pod.address} 6`]);
  assert.equal(pod.calls, 4);
});
