import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext } from 'node:test';
import { nextAddress, startPod } from '../support/pods.ts';
import { NODES, type Run, run, testOnNode } from '../support/versions.ts';

const REGISTER = import.meta.resolve('../../src/register.ts');
const INDEX = import.meta.resolve('../../src/index.ts');

/** Fetches the URL given, and says what came and which origins are managed: none, if evenkeel is not installed. */
const FETCH = `
  const text = await (await fetch(process.argv[1])).text();
  const { agent } = globalThis[Symbol.for('undici.globalDispatcher.2')];
  console.log(JSON.stringify({ text, managed: Object.keys(agent?.stats ?? {}) }));`;

interface Fetched {
  readonly text: string;
  readonly managed: string[];
}

async function fetched(binary: string, args: string[], url: string, env = {}): Promise<Run & Fetched> {
  const ended = await run(binary, [...args, '--input-type=module', '-e', FETCH, url], env);
  assert.equal(ended.code, 0, ended.stderr);
  return { ...ended, ...(JSON.parse(ended.stdout) as Fetched) };
}

async function startServer(t: TestContext): Promise<string> {
  // Keeps connections for longer than the process may take to end.
  const pod = await startPod(t, { keepAliveTimeout: 60_000 });
  return `http://${pod.address}:${pod.port}`;
}

/** A proxy that answers for every server itself, through a tunnel or without. */
async function startProxy(t: TestContext): Promise<string> {
  const server: Server = createServer((_request, response) => {
    response.writeHead(200, { connection: 'close' }).end('proxied');
  });
  server.on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.emit('connection', socket);
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { address, port } = server.address() as AddressInfo;
  return `http://${address}:${port}`;
}

for (const major of NODES) {
  describe(`Node ${major}`, { concurrency: 2 }, () => {
    /** A test that runs in this release. */
    function testHere(name: string, body: (t: TestContext, binary: string) => Promise<void>): void {
      testOnNode(major, name, body);
    }

    for (const [way, args, env] of [
      ['--import', ['--import', REGISTER], {}],
      ['--require', ['--require', new URL(REGISTER).pathname], {}],
      ['NODE_OPTIONS', [], { NODE_OPTIONS: `--import ${REGISTER}` }],
    ] as const) {
      testHere(
        `preloaded with ${way}, it balances fetch, and the process ends by itself`,
        async (t, binary) => {
          const origin = await startServer(t);
          let soonest = Number.POSITIVE_INFINITY;
          // What holds a process does so each time; a busy machine does now and then.
          for (let run = 0; run < 3 && soonest >= 1_000; run++) {
            const { managed, text, lingered } = await fetched(binary, [...args], origin, env);
            assert.ok(origin.includes(text));
            assert.deepEqual(managed, [origin]);
            soonest = Math.min(soonest, lingered);
          }
          assert.ok(soonest < 1_000, `it took ${soonest} ms`);
        },
      );
    }

    testHere(
      'built-in fetch sends through its own agent what it sent through that before',
      async (_t, binary) => {
        const script = `console.log(globalThis[Symbol.for('undici.globalDispatcher.1')].previous.legacy.constructor.name)`;
        const { stdout } = await run(binary, ['--import', REGISTER, '-e', script]);
        // Node 26's is of the generation that undici 8 is of, and shares its agent as it did.
        assert.equal(stdout.trim(), major < 26 ? 'Agent' : 'Dispatcher1Wrapper');
      },
    );

    testHere('EVENKEEL_DISABLED makes the preload do nothing', async (t, binary) => {
      const origin = await startServer(t);
      const { managed } = await fetched(binary, ['--import', REGISTER], origin, { EVENKEEL_DISABLED: '1' });
      assert.deepEqual(managed, []);
    });

    testHere(
      'what is nearly a switch leaves everything as it was, and is warned of once',
      async (t, binary) => {
        const origin = await startServer(t);
        for (const [name, value] of [
          ['EVENKEEL_DISABLE', '1'],
          ['EVENKEEL_MODE', 'observ'],
        ] as const) {
          const { managed, stderr } = await fetched(binary, ['--import', REGISTER], origin, {
            [name]: value,
          });
          assert.deepEqual(managed, []);
          assert.equal(stderr.split('EVENKEEL_BAD_VARIABLE').length - 1, 1, stderr);
          assert.ok(stderr.includes(name) && stderr.includes('evenkeel leaves everything as it was'), stderr);
        }
      },
    );

    for (const [name, value, reports] of [
      ['EVENKEEL_DISABLED', '1', 0],
      ['EVENKEEL_MODE', 'observe', 1],
    ] as const) {
      testHere(`${name}=${value} stops install() in code too, whatever was preloaded`, async (t, binary) => {
        const origin = await startServer(t);
        const script = `
          import { install } from '${INDEX}';
          const symbols = [1, 2].map((version) => Symbol.for('undici.globalDispatcher.' + version));
          await (await fetch(process.argv[1])).text();
          const before = symbols.map((symbol) => globalThis[symbol]);
          const agent = install({ hosts: ['*'] });
          await (await fetch(process.argv[1])).text();
          await (await fetch(process.argv[1], { dispatcher: agent })).text();
          const same = symbols.every((symbol, index) => globalThis[symbol] === before[index]);
          console.log(JSON.stringify({ same, stats: agent.stats }));
          await agent.close();`;
        for (const preload of [[], ['--import', REGISTER]]) {
          const args = [...preload, '--input-type=module', '-e', script, origin];
          const { code, stdout, stderr } = await run(binary, args, {
            [name]: value,
            EVENKEEL_OBSERVE_INTERVAL: '0',
          });
          assert.equal(code, 0, stderr);
          assert.deepEqual(JSON.parse(stdout), { same: true, stats: {} });
          assert.equal(stderr.split('changed nothing').length - 1, reports, stderr);
        }
      });
    }

    testHere('variables configure what is preloaded, and bad ones are warned of', async (t, binary) => {
      const origin = await startServer(t);
      const env = { EVENKEEL_HOSTS: '!127.*', EVENKEEL_SPREAD: 'many' };
      const { managed, stderr } = await fetched(binary, ['--import', REGISTER], origin, env);
      assert.deepEqual(managed, []);
      const said =
        "EVENKEEL_SPREAD must be 'auto', or an integer, 1 or more, got 'many'; evenkeel ignores it";
      assert.ok(stderr.includes(`[EVENKEEL_BAD_VARIABLE] EvenkeelWarning: ${said}`), stderr);
    });

    testHere(
      'the environment’s proxy keeps its requests, and evenkeel gets those it exempts',
      async (t, binary) => {
        const [origin, proxy] = [await startServer(t), await startProxy(t)];
        const env = { NODE_USE_ENV_PROXY: '1', http_proxy: proxy };
        const args = ['--import', REGISTER];
        for (const url of ['http://api.example.com/', origin]) {
          const { managed, text } = await fetched(binary, args, url, env);
          assert.deepEqual([text, managed], ['proxied', []], url);
        }
        const { hostname } = new URL(origin);
        const { managed } = await fetched(binary, args, origin, { ...env, no_proxy: `.svc, ${hostname}` });
        assert.deepEqual(managed, [origin]);
      },
    );
  });
}
