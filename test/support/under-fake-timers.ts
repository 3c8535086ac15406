// Run by itself, with the port of a server on each given address: sends requests while all timers are faked, and
// prints what came of them. In a process of its own, since a test runner needs its timers.
import { mock } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import { BalancedAgent, staticResolver } from '../../src/index.ts';

const { setTimeout } = globalThis;
const [address = '', port = ''] = process.argv.slice(2);
const pods = staticResolver([{ address, port: Number(port) }]);

/** The body of a response, without what undici puts around `dispatch`, which has timers of its own. */
function fetched(dispatcher: Dispatcher, origin = 'http://orders.prod'): Promise<string> {
  return new Promise((resolve) => {
    let body = '';
    setTimeout(resolve, 3_000, 'nothing came').unref();
    dispatcher.dispatch(
      { origin, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData(_controller, chunk) {
          body += chunk;
        },
        onResponseEnd: () => resolve(body),
        onResponseError: (_controller, error) => resolve((error as NodeJS.ErrnoException).code ?? 'error'),
      },
    );
  });
}

const warm = new BalancedAgent({ discovery: pods });
const before = await fetched(warm);
// So that the process looks as if it had computed meanwhile.
await new Promise((resolve) => setTimeout(resolve, 20));

// As node:test fakes them, and jest and sinon on top of that. They never come.
mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
globalThis.queueMicrotask = () => {};
performance.now = () => 0;
const faked = globalThis.setImmediate;

const again = [await fetched(warm), await fetched(warm), await fetched(warm)];
const cold = new BalancedAgent({ discovery: pods, connections: 1 });
const queued = await Promise.all([fetched(cold), fetched(cold), fetched(cold)]);
const byName = `http://localhost:${port}`;
const named = [await fetched(new Agent(), byName), await fetched(new BalancedAgent(), byName)];
const inPlace = globalThis.setImmediate === faked;
process.stdout.write(JSON.stringify({ before, again, queued, named, inPlace }), () => process.exit());
