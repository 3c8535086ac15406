// The time that a request sets, while its connection is made: as long as with Node's own agents.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { Agent, type RequestOptions, request as send } from 'node:https';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { BalancedHttpsAgent } from '../../../src/http.ts';
import { install, staticResolver, uninstall } from '../../../src/index.ts';
import { ConnectTime } from '../../../src/transports/http/connect-time.ts';
import { DialSteps } from '../../../src/transports/http/dial-steps.ts';
import { asNodeRequest } from '../../../src/transports/http/node-http.ts';
import { FakeClock } from '../../support/clock.ts';
import { closeOf } from '../../support/http-agent.ts';
import { startRawServer } from '../../support/raw-server.ts';

/** Long enough for a request to be told of a socket that connects. */
const TIME = 300;
/** Milliseconds that Node's timers may be early. */
const EARLY = 5;

const SETS: Record<
  string,
  { agent?: { timeout: number }; options?: RequestOptions; set?: (request: ClientRequest) => void }
> = {
  'options.timeout': { options: { timeout: TIME } },
  'the timeout of its agent': { agent: { timeout: TIME } },
  'setTimeout()': { set: (request) => void request.setTimeout(TIME) },
  'the timeout of its socket': {
    set: (request) =>
      void request.once('socket', (socket) => socket.setTimeout(TIME, () => request.emit('timeout'))),
  },
};

/** Agents for a server that takes connections, and never speaks TLS. */
async function startUnheard(t: TestContext, way: string) {
  const { endpoint } = await startRawServer(t);
  const { address: host, port } = endpoint;
  if (way === 'installed') {
    install({ discovery: staticResolver([endpoint]), hosts: [host] });
    t.after(() => uninstall());
  }
  const agentOf = (options: { timeout?: number }) => {
    const agent =
      way === 'by hand' ? new BalancedHttpsAgent(options) : new Agent({ keepAlive: true, ...options });
    t.after(() => agent.destroy());
    return agent;
  };
  return { host, port, agentOf };
}

/** Plays in which this process is held up tell nothing: time runs out before what has happened is read. */
const PLAYS = 8;

/** Watches for turns of the event loop that take long. Returns whether there was one. */
function watchTurns(t: TestContext): () => boolean {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    return longest > TIME / 3;
  };
  const timer = setInterval(look, 10);
  t.after(() => clearInterval(timer));
  return look;
}

for (const way of ['stock', 'by hand', 'installed']) {
  test(`a handshake of TLS may take the time of a request twice, ${way}`, async (t) => {
    const { host, port, agentOf } = await startUnheard(t, way);
    const play = async (): Promise<string[]> => {
      const begun = performance.now();
      const waits = Object.entries(SETS).map(async ([what, { agent = {}, options, set }]) => {
        const request = send({ host, port, agent: agentOf(agent), ...options }).on('error', () => {});
        set?.(request);
        await once(request.end(), 'timeout');
        const took = performance.now() - begun;
        await closeOf(request.destroy());
        return took < 2 * TIME - EARLY ? [`${what}: ${took}`] : [];
      });
      return (await Promise.all(waits)).flat();
    };
    for (let plays = 0; plays < PLAYS; plays++) {
      const isHeldUp = watchTurns(t);
      const early = await play();
      if (isHeldUp()) continue;
      assert.deepEqual(early, []);
      return;
    }
    t.diagnostic('this process was held up in each play');
  });
}

/** A request without a socket, its time, and the dials that may bring it one. */
function startTime(t: TestContext, request: ClientRequest) {
  const clock = new FakeClock();
  const dials = new DialSteps();
  const ends: number[] = [];
  const options = { clock, milliseconds: 100, dials };
  const time = new ConnectTime(asNodeRequest(request), options, () => ends.push(clock.now()));
  const dial = (secure: boolean): Socket => {
    const socket = new Socket();
    t.after(() => socket.destroy());
    dials.follow(socket, secure);
    return socket;
  };
  return { clock, time, ends, dial };
}

class Holding extends Agent {
  addRequest(): void {}
}

function heldRequest(): ClientRequest {
  return send({ host: 'a', agent: new Holding() });
}

test('the time of a request begins anew when its name was looked up, and when TCP is connected', (t) => {
  const { clock, ends, dial } = startTime(t, heldRequest().end());
  clock.advance(80);
  const socket = dial(false);
  clock.advance(80);
  socket.emit('connect');
  clock.advance(500);
  assert.deepEqual(ends, [260]);
});

test('the time of a request begins anew once at each step, however many dials there are', (t) => {
  const { clock, ends, dial } = startTime(t, heldRequest().end());
  for (let dials = 0; dials < 10; dials++) {
    dial(true).emit('connect');
    clock.advance(80);
  }
  // As it was dialled at once, with the time for TLS.
  assert.deepEqual(ends, [200]);
});

test('TLS has its time once where nothing waits to be written', (t) => {
  const { clock, ends, dial } = startTime(t, heldRequest());
  dial(true).emit('connect');
  clock.advance(500);
  assert.deepEqual(ends, [100]);
});

test('TLS has its time once where TCP has not connected', (t) => {
  const { clock, ends, dial } = startTime(t, heldRequest().end());
  dial(true);
  clock.advance(500);
  assert.deepEqual(ends, [100]);
});

test('nothing is left of the time of a request that has its socket', (t) => {
  const { clock, time, ends, dial } = startTime(t, heldRequest().end());
  time.stop();
  dial(true).emit('connect');
  clock.advance(500);
  assert.deepEqual([ends, clock.pending], [[], 0]);
});
