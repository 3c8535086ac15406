import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startDnsServer } from '../support/dns-server.ts';
import { makeProject, type Project } from '../support/package.ts';
import { startPods } from '../support/pods.ts';
import { examples, page } from '../support/readme.ts';
import { assertSound, runExample } from './running.ts';

/** Those whose programs need nothing but `orders.prod`. */
const PAGES = ['migrating.md', 'service-meshes.md', 'troubleshooting.md'];
/** Those whose programs are servers: they are compiled, and run in tests of what they show. */
const OF_SERVERS = ['identify.md'];

let project: Project;

before(() => {
  project = makeProject();
});

after(() => project.remove());

const programs = PAGES.flatMap((name) => examples('ts', page(name)).map((example) => ({ ...example, name })));

describe('documentation', { concurrency: 2 }, () => {
  for (const { name, code, line } of programs) {
    test(`the program on line ${line} of ${name} runs and reaches a pod`, async (t) => {
      const [dns, pods] = await Promise.all([startDnsServer(t), startPods(t, 2)]);
      dns.set(
        'orders.prod',
        pods.map(({ address }) => address),
      );
      const adapted = code.replaceAll('orders.prod:8080', `orders.prod:${pods[0]!.port}`);
      const { stdout } = await runExample(project, adapted, { EVENKEEL_DNS_SERVERS: dns.address });
      assert.ok(
        pods.some(({ address }) => stdout.includes(address)),
        stdout,
      );
      assert.equal(
        pods.reduce((sum, { requests }) => sum + requests, 0),
        1,
      );
    });
  }
});

// After the others: the compiler holds up the pods, which are in this process.
test('the programs are sound TypeScript', () => {
  for (const name of [...PAGES, ...OF_SERVERS]) assertSound(project, examples('ts', page(name)));
});
