import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { startDnsServer } from '../support/dns-server.ts';
import { makeProject, type Project } from '../support/package.ts';
import { type Pod, startPods } from '../support/pods.ts';
import { examples, page } from '../support/readme.ts';
import { assertSound, runExample } from './running.ts';

const PACKAGES = [
  '@aws-sdk/client-sqs',
  '@elastic/elasticsearch',
  '@googleapis/storage',
  '@octokit/core',
  '@types/http-proxy',
  '@types/superagent',
  '@types/ws',
  'axios',
  'got',
  'http-proxy',
  'ky',
  'node-fetch',
  'ofetch',
  'openai',
  'superagent',
  'ws',
];

/** What the servers that stand in answer, by the path. */
const ANSWERS: Record<string, object> = {
  'POST /v1/chat/completions': { choices: [{ message: { content: 'served' } }] },
  'POST /': { QueueUrls: ['http://elasticmq.prod/served'] },
  'GET /orders/_search': { hits: { total: 'served', hits: [] } },
  'POST /orders/_search': { hits: { total: 'served', hits: [] } },
  'GET /storage/v1/b': { items: [{ name: 'served' }] },
  'GET /repos/nodejs/undici': { full_name: 'served' },
  'GET /': { text: 'served' },
};

/** Says where the requests of the program went: all of them must have been evenkeel's. */
const COUNT = `
import { stats } from 'evenkeel';
for (const { endpoints } of Object.values(stats())) {
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

/** Each that opens is told something. */
function greetWebSockets({ server, paths }: Pod): void {
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    paths.push(request.url!);
    sockets.handleUpgrade(request, socket, head, (accepted) => accepted.send('served'));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const programs = examples('ts', page('clients.md'));

describe('docs/clients.md', { concurrency: 2 }, () => {
  for (const { code, line } of programs) {
    test(`the program on line ${line} reaches a pod, by evenkeel`, async (t) => {
      const [dns, pods] = await Promise.all([startDnsServer(t), startPods(t, 2)]);
      for (const pod of pods) {
        pod.respond = answer;
        greetWebSockets(pod);
      }
      const [, host = '', port = ''] = /(?:http|ws):\/\/([a-z]+\.prod):(\d+)/.exec(code)!;
      dns.set(
        host,
        pods.map(({ address }) => address),
      );
      const adapted = code
        .replaceAll(`${host}:${port}`, `${host}:${pods[0]!.port}`)
        // Where a program listens itself, others may.
        .replace(/(?<=localhost:|listen\()8000/g, String(await freePort()));
      const { stdout } = await runExample(project, adapted + COUNT, {
        EVENKEEL_DNS_SERVERS: dns.address,
        // http-proxy uses what Node.js has deprecated.
        NODE_OPTIONS: '--no-deprecation',
      });
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
