import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type * as GrpcJs from '@grpc/grpc-js';
import { callsOf } from '../../support/answers.ts';
import { type CallOptions, type EchoClient, startBalanced } from '../../support/grpc-client.ts';
import { ECHO, type GrpcPod, grpc, startGrpcPods, TRUSTS_SILENCE } from '../../support/grpc-pod.ts';
import { startStock } from '../../support/grpc-stock.ts';

const { credentials, Metadata, status } = grpc;

/** There, a call that retry throttling ends never tells its caller. */
const IS_BEFORE_1_13 = TRUSTS_SILENCE;

interface Side {
  readonly pods: readonly GrpcPod[];
  /** A channel to them, with these options and this service configuration. */
  open(options?: Partial<GrpcJs.ClientOptions>, config?: object): EchoClient;
}

interface Scene {
  readonly pods?: number;
  readonly server?: GrpcJs.ServerOptions;
  /** grpc-js alone does not get to its end. */
  readonly skip?: boolean;
  /** What is the same with evenkeel and without. */
  run(side: Side): Promise<unknown>;
}

const retried = (policy: object = {}) => ({
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: '0.01s',
        maxBackoff: '0.02s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
        ...policy,
      },
    },
  ],
});

/** Nothing is hedged by time: a failure that isn't fatal has the next one sent at once. */
const hedged = {
  methodConfig: [
    {
      name: [{}],
      hedgingPolicy: { maxAttempts: 3, hedgingDelay: '60s', nonFatalStatusCodes: ['UNAVAILABLE'] },
    },
  ],
};

const served = (pods: readonly GrpcPod[]) => callsOf(pods).reduce((sum, calls) => sum + calls);

/** The first calls fail, wherever they go. */
function failFirst(
  pods: readonly GrpcPod[],
  times: number,
  code: number,
  trailers: Record<string, string> = {},
) {
  for (const pod of pods) {
    pod.onUnary = (_call, reply) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
      if (served(pods) <= times) reply({ code, details: 'as told', metadata });
      else reply(null, Buffer.from('served'));
    };
  }
}

const outcomeOf = (call: Promise<string>): Promise<unknown> =>
  call.then(
    (answer) => (answer.startsWith('127.') ? 'served' : answer),
    ({ code, details }) => [code, code === status.DEADLINE_EXCEEDED ? '' : details],
  );

/** Credentials of a call, of which somebody says in a moment what they are. */
const asked = (say: (tell: (error: Error | null, metadata?: GrpcJs.Metadata) => void) => void) =>
  credentials.createFromMetadataGenerator((_params, tell) => setImmediate(() => say(tell)));

async function withCredentials(
  { open, pods }: Side,
  creds: GrpcJs.CallCredentials,
  options: CallOptions = {},
) {
  const outcome = await outcomeOf(open().call({ credentials: creds, ...options }));
  return [outcome, served(pods), pods[0]!.metadata?.get('authorization')];
}

/** What metadata says, but for the second in which it was sent. */
function said(metadata: GrpcJs.Metadata): object {
  const { date, ...others } = metadata.toJSON();
  return others;
}

/** A unary call with all that can be seen of it. */
function exchange(client: EchoClient, body: Buffer, sent = new Metadata()): Promise<unknown> {
  const seen: unknown[] = [];
  const { path, requestSerialize, responseDeserialize } = ECHO.unary;
  return new Promise((resolve) => {
    client.stub
      .makeUnaryRequest(path, requestSerialize, responseDeserialize, body, sent, (error, answer) =>
        seen.push(error === null ? answer!.length : [error.code, error.details]),
      )
      .on('metadata', (metadata: GrpcJs.Metadata) => seen.push(said(metadata)))
      .on('status', ({ code, metadata }: GrpcJs.StatusObject) => resolve([...seen, code, said(metadata)]));
  });
}

const SCENES: Record<string, Scene> = {
  'a retryPolicy, until a pod serves': {
    async run({ pods, open }) {
      failFirst(pods, 2, status.UNAVAILABLE);
      const outcome = await outcomeOf(open({}, retried()).call());
      const attempts = pods.flatMap(({ metadata }) => metadata?.get('grpc-previous-rpc-attempts') ?? []);
      return [outcome, served(pods), attempts.sort()];
    },
  },
  'a retryPolicy, until its attempts are used up': {
    async run({ pods, open }) {
      failFirst(pods, 99, status.UNAVAILABLE);
      return [await outcomeOf(open({}, retried()).call()), served(pods)];
    },
  },
  'a retryPolicy, where a server says not to try again': {
    async run({ pods, open }) {
      failFirst(pods, 99, status.UNAVAILABLE, { 'grpc-retry-pushback-ms': '-1' });
      return [await outcomeOf(open({}, retried()).call()), served(pods)];
    },
  },
  'a retryPolicy, where a server says when to try again': {
    pods: 1,
    async run({ pods, open }) {
      failFirst(pods, 1, status.UNAVAILABLE, { 'grpc-retry-pushback-ms': '60' });
      const from = performance.now();
      return [await outcomeOf(open({}, retried()).call()), served(pods), performance.now() - from >= 59];
    },
  },
  'retry throttling': {
    skip: IS_BEFORE_1_13,
    async run({ pods, open }) {
      failFirst(pods, 99, status.UNAVAILABLE);
      const client = open({}, { ...retried(), retryThrottling: { maxTokens: 4, tokenRatio: 0.1 } });
      for (let n = 0; n < 5; n++) await outcomeOf(client.call());
      return served(pods);
    },
  },
  'hedging, all of which fails': {
    async run({ pods, open }) {
      failFirst(pods, 99, status.UNAVAILABLE);
      return [await outcomeOf(open({}, hedged).call()), served(pods)];
    },
  },
  'hedging, with an error that ends it': {
    async run({ pods, open }) {
      failFirst(pods, 99, status.INVALID_ARGUMENT);
      return [await outcomeOf(open({}, hedged).call()), served(pods)];
    },
  },
  'a retryPolicy that is wrong': {
    async run({ open }) {
      return assert.rejects(async () => open({}, retried({ maxAttempts: 1 })));
    },
  },
  'messages longer than the channel sends': {
    async run({ open, pods }) {
      const client = open({ 'grpc.max_send_message_length': 50 });
      return [await exchange(client, Buffer.alloc(100)), served(pods)];
    },
  },
  'messages longer than the channel takes': {
    async run({ open, pods }) {
      for (const pod of pods) pod.onUnary = (_call, reply) => reply(null, Buffer.alloc(100));
      // Whether trailers come before the call is ended for it is a matter of chance.
      return outcomeOf(open({ 'grpc.max_receive_message_length': 50 }).call());
    },
  },
  'messages longer than the server takes': {
    server: { 'grpc.max_receive_message_length': 50 },
    run: ({ open }) => exchange(open(), Buffer.alloc(100)),
  },
  'compressed messages': {
    async run({ open, pods }) {
      for (const pod of pods) pod.onUnary = ({ request }, reply) => reply(null, request);
      return exchange(open({ 'grpc.default_compression_algorithm': 2 }), Buffer.alloc(10_000));
    },
  },
  'metadata of all kinds, both ways': {
    pods: 1,
    async run({ open, pods: [pod] }) {
      const fill = (metadata: GrpcJs.Metadata) => {
        for (const value of ['1', '2']) metadata.add('twice', value);
        for (const value of [Buffer.from([255, 0]), Buffer.from([7])]) metadata.add('twice-bin', value);
        return metadata;
      };
      pod!.onUnary = (call, reply) => {
        call.sendMetadata(fill(new Metadata()));
        reply(null, Buffer.from('served'), fill(new Metadata()));
      };
      const seen = await exchange(open(), Buffer.alloc(0), fill(new Metadata()));
      return [seen, pod!.metadata!.get('twice'), pod!.metadata!.get('twice-bin')];
    },
  },
  'the authority and the user agents of a channel': {
    pods: 1,
    async run({ open, pods: [pod] }) {
      const names = { 'grpc.primary_user_agent': 'shop/1', 'grpc.secondary_user_agent': 'more/2' };
      await open({ 'grpc.default_authority': 'other.test', ...names }).call();
      return [pod!.host, pod!.metadata!.get('user-agent')];
    },
  },
  'call credentials that take a moment': {
    pods: 1,
    run: (side) =>
      withCredentials(
        side,
        asked((tell) => {
          const metadata = new Metadata();
          metadata.set('authorization', 'token');
          tell(null, metadata);
        }),
      ),
  },
  'call credentials that fail': {
    run: (side) =>
      withCredentials(
        side,
        asked((tell) => tell(new Error('no token'))),
      ),
  },
  'call credentials that never come': {
    run: (side) =>
      withCredentials(
        side,
        asked(() => {}),
        { deadline: Date.now() + 100 },
      ),
  },
  'more calls at a time than a server takes on a connection': {
    pods: 1,
    server: { 'grpc.max_concurrent_streams': 2 },
    async run({ open, pods }) {
      const client = open();
      return [[...(await client.calls(20, 10)).values()], served(pods)];
    },
  },
  'a stream of the client': {
    async run({ open }) {
      const answer = await open().upload(Array.from({ length: 50 }, () => 'x'.repeat(20_000)));
      return answer.split(' ')[1];
    },
  },
  'a stream both ways, faster than it is read': {
    async run({ open }) {
      const stream = open().bidi();
      let read = 0;
      stream.on('data', (message: Buffer) => {
        read += message.length;
      });
      for (let n = 0; n < 50; n++) if (!stream.write(Buffer.alloc(50_000))) await once(stream, 'drain');
      stream.end();
      await once(stream, 'end');
      return read;
    },
  },
  'a method that there is not': {
    async run({ open }) {
      const { requestSerialize, responseDeserialize } = ECHO.unary;
      const { stub } = open();
      return new Promise((resolve) =>
        stub.makeUnaryRequest(
          '/test.Echo/None',
          requestSerialize,
          responseDeserialize,
          Buffer.alloc(0),
          (error) => resolve([error!.code, error!.details]),
        ),
      );
    },
  },
  'what channelz says': {
    pods: 2,
    async run({ open }) {
      const client = open();
      await client.calls(4);
      const { GetChannel } = grpc.getChannelzHandlers() as unknown as Record<
        'GetChannel',
        (call: object, reply: (error: null, found: { channel: ChannelzChannel }) => void) => void
      >;
      const { id } = client.stub.getChannel().getChannelzRef();
      const { channel } = await new Promise<{ channel: ChannelzChannel }>((resolve) =>
        GetChannel({ request: { channel_id: id } }, (_error, found) => resolve(found)),
      );
      const { state, calls_started, calls_succeeded } = channel.data;
      return [state.state, calls_started, calls_succeeded, channel.subchannel_ref.length];
    },
  },
};

interface ChannelzChannel {
  readonly data: { state: { state: string }; calls_started: number; calls_succeeded: number };
  readonly subchannel_ref: readonly unknown[];
}

async function startSide(
  t: TestContext,
  { pods: count = 3, server = {} }: Scene,
  isOurs: boolean,
): Promise<Side> {
  const pods = await startGrpcPods(t, count, { server });
  return {
    pods,
    open(options = {}, config = {}) {
      if (!isOurs) return startStock(t, pods, options, config);
      const channel = { ...options, 'grpc.service_config': JSON.stringify(config) };
      return startBalanced(t, pods, {}, channel).client;
    },
  };
}

for (const [name, scene] of Object.entries(SCENES)) {
  test(`${name}: as with grpc-js alone`, { skip: scene.skip ?? false }, async (t) => {
    const [stock, ours] = [await startSide(t, scene, false), await startSide(t, scene, true)];
    assert.deepEqual(await scene.run(ours), await scene.run(stock));
  });
}
