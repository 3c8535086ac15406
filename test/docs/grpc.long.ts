import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startDnsServer } from '../support/dns-server.ts';
import { startGrpcPods } from '../support/grpc-pod.ts';
import { makeProject, type Project } from '../support/package.ts';
import { examples, page } from '../support/readme.ts';
import { run } from '../support/versions.ts';
import { assertSound, runExample, skeleton } from './running.ts';

const text = page('grpc.md');
let project: Project;

before(() => {
  project = makeProject(['@grpc/grpc-js']);
});

after(() => project.remove());

describe('docs/grpc.md', () => {
  for (const { code, line } of examples('ts', text)) {
    test(`the program on line ${line} runs and reaches a pod`, async (t) => {
      const [dns, pods] = await Promise.all([startDnsServer(t), startGrpcPods(t, 2)]);
      dns.set(
        'orders.prod',
        pods.map(({ address }) => address),
      );
      const adapted = code.replaceAll('orders.prod:50051', `orders.prod:${pods[0]!.port}`);
      const { stdout } = await runExample(project, adapted, { EVENKEEL_DNS_SERVERS: dns.address });
      assert.match(stdout, /^connected .*source: 'dns',\s+endpoints: 2,/s);
    });
  }

  test('the programs are sound TypeScript', () => assertSound(project, examples('ts', text)));

  test('the demo prints what the page shows', async () => {
    const { stdout, code, stderr } = await run(
      process.execPath,
      [`${project.folder}/node_modules/evenkeel/dist/cli/main.js`, 'demo', '--grpc', '--seconds', '2'],
      {},
    );
    assert.equal(code, 0, stderr);
    assert.equal(skeleton(stdout), skeleton(examples('text', text)[0]!.code));
  });
});
