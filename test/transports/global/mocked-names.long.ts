import assert from 'node:assert/strict';
import { startDnsServer } from '../../support/dns-server.ts';
import { nextAddress, startPod } from '../../support/pods.ts';
import { NODES, run, testOnNode } from '../../support/versions.ts';
import type { Setting } from './mocked-names-process.ts';

const PROCESS = new URL('mocked-names-process.ts', import.meta.url).pathname;

for (const major of NODES) {
  for (const mock of ['nock', 'msw'] as const) {
    testOnNode(
      major,
      `Node ${major}: ${mock} answers for names as without evenkeel, and afterwards evenkeel balances`,
      async (t, binary) => {
        const local = await startPod(t, { address: '127.0.0.1' });
        const pods = [await startPod(t)];
        const { port } = pods[0]!;
        pods.push(await startPod(t, { address: nextAddress(), port }));
        const dns = await startDnsServer(t);
        dns.set(
          'orders.test',
          pods.map(({ address }) => address),
        );
        const origins = [
          `http://localhost:${local.port}`,
          `http://orders.test:${port}`,
          'http://nowhere.invalid',
        ];
        const setting = {
          mock,
          mocked: origins,
          during: [...origins.map((origin) => `${origin}/mocked`), `${origins[0]}/real`],
          after: `${origins[1]}/real`,
          times: 20,
        };
        const play = async (more: Pick<Setting, 'first' | 'way'>) => {
          const given: Setting = { ...setting, ...more };
          const variables = { EVENKEEL_DNS_SERVERS: dns.address };
          const { stdout, stderr } = await run(binary, [PROCESS, JSON.stringify(given)], variables);
          assert.notEqual(stdout, '', stderr);
          return JSON.parse(stdout) as { during: Record<string, string>; after: Record<string, string[]> };
        };
        const stock = await play({ first: 'mock', way: 'stock' });
        for (const [what, answer] of Object.entries(stock.during)) {
          assert.equal(answer, what.endsWith('/mocked') ? 'by the mock' : local.address, what);
        }

        for (const first of ['mock', 'evenkeel'] as const) {
          for (const way of ['installed', 'by hand'] as const) {
            const { during, after } = await play({ first, way });
            assert.deepEqual(during, stock.during, `${way}, first: ${first}`);
            for (const [who, answers] of Object.entries(after)) {
              // A mock that was there before `install()` takes its hook in node:http away when it goes.
              if (who === 'http.get' && way === 'installed' && first === 'mock') continue;
              const counts = pods.map(({ address }) => answers.filter((answer) => answer === address).length);
              // The first requests go to whichever pod is connected first.
              assert.ok(Math.min(...counts) >= 7, `${who}, ${way}, first: ${first}: ${answers}`);
              assert.equal(counts[0]! + counts[1]!, setting.times);
            }
          }
        }
        assert.deepEqual(new Set([local, ...pods].flatMap(({ paths }) => paths)), new Set(['/real']));
      },
    );
  }
}
