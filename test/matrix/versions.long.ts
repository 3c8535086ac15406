import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nextAddress } from '../support/pods.ts';
import { NODES, run, testOnNode } from '../support/versions.ts';
import type { Client, Mode, Setting } from './calls.ts';
import { startEchoServer } from './echo-server.ts';

const CLIENTS: Client[] = ['built-in', 'undici6', 'undici7', 'undici'];
const MODES: Mode[] = ['per call', 'global, evenkeel first', 'global, client first'];
const calls = fileURLToPath(import.meta.resolve('./calls.ts'));

for (const major of NODES) {
  describe(`Node ${major}`, { concurrency: 2 }, () => {
    for (const client of CLIENTS) {
      for (const mode of MODES) {
        testOnNode(
          major,
          `${client}, ${mode}: every kind of call works, and is balanced`,
          async (t, binary) => {
            const pods = [await startEchoServer(t, nextAddress()), await startEchoServer(t, nextAddress())];
            const outside = await startEchoServer(t, nextAddress());
            const endpoints = pods.map(({ address, port }) => ({ address, port }));
            const setting: Setting = {
              client,
              mode,
              pods: endpoints,
              outside: `http://${outside.address}:${outside.port}`,
            };
            const { code, stdout, stderr } = await run(binary, [calls, JSON.stringify(setting)]);
            assert.equal(code, 0, stderr);
            assert.deepEqual(JSON.parse(stdout), {});
            for (const pod of pods) assert.ok(pod.requests > 0, 'a pod got no request');
          },
        );
      }
    }
  });
}
