import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { startDnsServer } from '../support/dns-server.ts';
import { makeProject, type Project } from '../support/package.ts';
import { startPods } from '../support/pods.ts';
import { examples, page } from '../support/readme.ts';
import { assertSound, runExample } from './running.ts';

const PACKAGES = [
  '@aws-sdk/client-sqs',
  '@elastic/elasticsearch',
  '@octokit/core',
  '@smithy/fetch-http-handler',
  'ky',
  'ofetch',
  'openai',
];

/** What the servers that stand in answer, by the path. */
const ANSWERS: Record<string, object> = {
  'POST /v1/chat/completions': { choices: [{ message: { content: 'served' } }] },
  'POST /': { QueueUrls: ['http://elasticmq.prod/served'] },
  'GET /orders/_search': { hits: { total: 'served', hits: [] } },
  'GET /repos/nodejs/undici': { full_name: 'served' },
  'GET /': { text: 'served' },
};

/** Says where the requests of the program went: all of them must have been evenkeel's. */
const AGENT = `
const balanced = typeof agent === 'undefined' ? globalThis[Symbol.for('undici.globalDispatcher.2')].agent : agent;
for (const { endpoints } of Object.values(balanced.stats)) {
  console.log('requests', endpoints.reduce((sum, { requests }) => sum + requests, 0));
}`;

let project: Project;

before(() => {
  project = makeProject(PACKAGES);
});

after(() => project.remove());

function answer({ method, url }: IncomingMessage, response: ServerResponse): void {
  const [path] = url!.split('?');
  const body = ANSWERS[`${method} ${path}`];
  response.statusCode = body === undefined ? 404 : 200;
  response.setHeader('content-type', 'application/json');
  response.setHeader('x-elastic-product', 'Elasticsearch');
  response.end(JSON.stringify(body ?? {}));
}

const programs = examples('ts', page('clients.md'));

describe('docs/clients.md', { concurrency: 2 }, () => {
  for (const { code, line } of programs) {
    test(`the program on line ${line} reaches a pod, by evenkeel`, async (t) => {
      const [dns, pods] = await Promise.all([startDnsServer(t), startPods(t, 2)]);
      for (const pod of pods) pod.respond = answer;
      const [, host = '', port = ''] = /http:\/\/([a-z]+\.prod):(\d+)/.exec(code)!;
      dns.set(
        host,
        pods.map(({ address }) => address),
      );
      const adapted = code.replaceAll(`${host}:${port}`, `${host}:${pods[0]!.port}`);
      const { stdout } = await runExample(project, adapted + AGENT, { EVENKEEL_DNS_SERVERS: dns.address });
      assert.match(stdout, /served/);
      assert.match(stdout, /^requests 1$/m);
      assert.equal(
        pods.reduce((sum, { requests }) => sum + requests, 0),
        1,
      );
    });
  }
});

// After the others: the compiler holds up the pods, which are in this process.
test('the programs of docs/clients.md are sound TypeScript', () => {
  assertSound(project, programs);
});
