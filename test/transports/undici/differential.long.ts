// What a caller sees is what undici's own Agent shows, whatever the server does and whatever the caller does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { Agent, type Dispatcher, Dispatcher1Wrapper } from 'undici';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import type { LegacyHandler } from '../../../src/transports/undici/handlers.ts';
import { ManualResolver } from '../../support/agent.ts';
import { nextAddress } from '../../support/pods.ts';

type Options = Dispatcher.DispatchOptions;
/** What a caller does at a moment: to the controller, if it is of the new generation. */
type Act = (controller: Pick<Dispatcher.DispatchController, 'abort' | 'pause' | 'resume'>) => void;
type Moment = 'start' | 'headers' | 'data' | 'end';

/** What a server writes when it has got a request, and whether it closes or resets the connection then. */
const ANSWERS: Record<string, [text: string, then?: 'close' | 'reset']> = {
  'a length': ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\nset-cookie: a\r\nset-cookie: b\r\n\r\nhello'],
  'chunks and trailers': [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5\r\nhello\r\n0\r\nx-t: v\r\n\r\n',
  ],
  'neither, and a close': ['HTTP/1.1 200 OK\r\n\r\nhello', 'close'],
  'a close that is said': ['HTTP/1.1 413 Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno', 'close'],
  'early hints': ['HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'],
  'early hints and a close': ['HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n', 'close'],
  'a 204 with a length': ['HTTP/1.1 204 None\r\ncontent-length: 2\r\n\r\n'],
  'a 304': ['HTTP/1.1 304 Same\r\netag: "1"\r\n\r\n'],
  'an event stream': ['HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n', 'close'],
  'a 503': ['HTTP/1.1 503 No\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n'],
  'too little': ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', 'close'],
  'too few chunks': ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', 'close'],
  'no HTTP': ['nonsense\r\n\r\n'],
  'half a head': ['HTTP/1.1 200 OK\r\ncontent-', 'close'],
  nothing: ['', 'close'],
  'a reset': ['', 'reset'],
};

const REQUESTS: Record<string, () => Pick<Options, 'method'> & Partial<Options>> = {
  GET: () => ({ method: 'GET', query: { a: '1' } }),
  HEAD: () => ({ method: 'HEAD' }),
  'POST of a text': () => ({ method: 'POST', body: 'text', headers: new Map([['x-a', '1']]).entries() }),
  'PUT of a stream': () => ({ method: 'PUT', body: Readable.from(['a', 'b']), headers: ['x-a', '1'] }),
  'PURGE with an iterable': () => ({ method: 'PURGE', body: ['a', 'b'] as never, reset: true }),
};

/** Those that are sent once for each thing that a caller may do, with each kind of handler. */
const THOROUGH = new Set(['GET new', 'GET old', 'PUT of a stream new']);

const ACTS: Record<string, [Moment?, Act?]> = {
  nothing: [],
  ...cross(['start', 'headers', 'data'], {
    abort: (controller) => controller.abort(new Error('mine')),
    'a pause': (controller) => {
      controller.pause();
      setImmediate(() => controller.resume());
    },
  }),
  ...cross(['headers', 'data', 'end'], {
    throw: () => {
      throw new Error('mine');
    },
  }),
};

function cross(moments: Moment[], acts: Record<string, Act>): Record<string, [Moment, Act]> {
  const pairs = moments.flatMap((moment) =>
    Object.entries(acts).map(([name, act]) => [`${name} at ${moment}`, [moment, act]] as const),
  );
  return Object.fromEntries(pairs) as Record<string, [Moment, Act]>;
}

/** What a caller gets to know, in order. */
class Diary {
  readonly entries: string[] = [];
  readonly over = Promise.withResolvers<void>();
  readonly #moment: Moment | undefined;
  readonly #act: Act | undefined;
  #body = '';

  constructor([moment, act]: [Moment?, Act?]) {
    this.#moment = moment;
    this.#act = act;
  }

  note(entry: string, moment: Moment, controller: Parameters<Act>[0]): void {
    this.entries.push(entry);
    if (moment === this.#moment) this.#act!(controller);
  }

  data(chunk: Buffer, controller: Parameters<Act>[0]): void {
    const first = this.#body === '';
    this.#body += chunk;
    if (first && this.#moment === 'data') this.#act!(controller);
  }

  end(trailers: unknown, controller: Parameters<Act>[0]): void {
    setImmediate(this.over.resolve);
    this.note(`end of "${this.#body}" ${JSON.stringify(trailers)}`, 'end', controller);
  }

  error({ name, message, code }: NodeJS.ErrnoException): void {
    this.entries.push(`${name} ${code}: ${message}`);
    setImmediate(this.over.resolve);
  }
}

const GENERATIONS: Record<string, (agent: Dispatcher, options: Options, diary: Diary) => void> = {
  new: (agent, options, diary) =>
    agent.dispatch(options, {
      onRequestStart: (controller) => diary.note('start', 'start', controller),
      onResponseStart: (controller, status, headers, message) =>
        diary.note(`${status} ${message} ${JSON.stringify(headers)}`, 'headers', controller),
      onResponseData: (controller, chunk) => diary.data(chunk, controller),
      onResponseEnd: (controller, trailers) => diary.end(trailers, controller),
      onResponseError: (_controller, error) => diary.error(error),
    }),
  old(agent, options, diary) {
    const state = { abort: (_reason?: Error) => {}, paused: false, resume: () => {} };
    const controller = {
      abort: (reason: Error) => state.abort(reason),
      pause: () => {
        state.paused = true;
      },
      resume: () => {
        state.paused = false;
        state.resume();
      },
    };
    const handler: LegacyHandler = {
      onConnect: (abort) => {
        state.abort = abort;
        diary.note('start', 'start', controller);
      },
      onHeaders: (status, headers, resume, message) => {
        state.resume = resume;
        diary.note(`${status} ${message} ${headers.map(String)}`, 'headers', controller);
        return !state.paused;
      },
      onData: (chunk) => {
        diary.data(chunk, controller);
        return !state.paused;
      },
      onComplete: (trailers) => diary.end(trailers.map(String), controller),
      onError: (error) => diary.error(error),
    };
    const dispatcher = agent instanceof BalancedAgent ? agent : new Dispatcher1Wrapper(agent);
    dispatcher.dispatch(options, handler as never);
  },
};

/** Whether that is all of a request, be its body of a known length, in chunks, or none. */
function isWhole(request: string): boolean {
  const [head, body] = request.split('\r\n\r\n', 2);
  if (body === undefined) return false;
  if (/transfer-encoding: chunked/i.test(head!)) return request.endsWith('0\r\n\r\n');
  return body.length === Number(/content-length: (\d+)/i.exec(head!)?.[1] ?? 0);
}

function serve(socket: Socket): void {
  let request = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    request += chunk;
    if (!isWhole(request)) return;
    const [text, then] = ANSWERS[decodeURIComponent(/\/([^ ?]*)/.exec(request)![1]!)]!;
    request = '';
    if (text !== '') socket.write(text);
    if (then === 'close') socket.end();
    if (then === 'reset') socket.resetAndDestroy();
  });
}

describe('what a caller sees is what undici’s Agent shows', () => {
  const sockets = new Set<Socket>();
  const address = nextAddress();
  let server: Server;
  let port: number;

  before(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      serve(socket);
    }).listen(0, address);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  const lookup = ((_name, _options, callback) => callback(null, [{ address, family: 4 }])) as LookupFunction;
  const agents: (() => Dispatcher)[] = [
    () => new Agent({ connect: { lookup } }),
    () =>
      new BalancedAgent({
        discovery: new ManualResolver([{ endpoint: { address, port } }]).resolve,
        retry: false,
      }),
  ];

  /** Makes a call on a connection that has been used before. */
  async function entries(
    agent: Dispatcher,
    answer: string,
    options: Partial<Options>,
    how: string,
    act: string,
  ) {
    const origin = `http://orders.prod:${port}`;
    const { body } = await agent.request({ origin, path: '/a%20304', method: 'GET' });
    await body.dump();
    const diary = new Diary(ACTS[act]!);
    GENERATIONS[how]!(
      agent,
      { origin, path: `/${encodeURIComponent(answer)}`, ...options } as Options,
      diary,
    );
    await diary.over.promise;
    await agent.destroy();
    return diary.entries;
  }

  for (const answer of Object.keys(ANSWERS)) {
    test(`when the server answers with ${answer}`, async () => {
      for (const [name, request] of Object.entries(REQUESTS)) {
        for (const how of Object.keys(GENERATIONS)) {
          const acts = THOROUGH.has(`${name} ${how}`) ? Object.keys(ACTS) : ['nothing'];
          const calls = acts.map(async (act) => {
            const [theirs, ours] = await Promise.all(
              agents.map((create) => entries(create(), answer, request(), how, act)),
            );
            assert.deepEqual(ours, theirs, `${name}, ${how} handler, ${act}`);
          });
          await Promise.all(calls);
        }
      }
    });
  }
});
