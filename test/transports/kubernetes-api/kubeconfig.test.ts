import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import type { ApiResponse } from '../../../src/core/discovery/kubernetes/api.ts';
import { kubeconfigTransport } from '../../../src/transports/kubernetes-api/kubeconfig.ts';
import { serviceNamed } from '../../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../../support/api-server.ts';
import { certificateFor } from '../../support/certificate.ts';

const PATH = '/api/v1/namespaces/prod/services/orders';

interface Facts {
  user?: object;
  cluster?: object;
  namespace?: string;
}

/** A directory for kubeconfigs, and a way to write one for the API server. */
function configs(t: TestContext, api: ApiServer) {
  const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const write = (name: string, { user = { token: api.token }, cluster = {}, namespace }: Facts = {}) => {
    const path = join(directory, name);
    const config = {
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'c', user: 'u', ...(namespace && { namespace }) } }],
      users: [{ name: 'u', user }],
      clusters: [
        {
          name: 'c',
          cluster: {
            server: `https://${api.host}:${api.port}`,
            'certificate-authority': join(api.serviceAccount, 'ca.crt'),
            ...cluster,
          },
        },
      ],
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  return { directory, write };
}

async function start(t: TestContext): Promise<ApiServer> {
  const api = await startApiServer(t);
  api.store.putService('prod', serviceNamed('orders'));
  return api;
}

async function read({ status, body }: ApiResponse): Promise<{ status: number; name: string | undefined }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { status, name: JSON.parse(Buffer.concat(chunks).toString()).metadata?.name };
}

test('the API of the current context is asked, as its user', async (t) => {
  const api = await start(t);
  const path = configs(t, api).write('config', { namespace: 'test' });
  const transport = await kubeconfigTransport(path);
  assert.equal(transport.namespace, 'test');
  const { signal } = new AbortController();
  assert.deepEqual(await read(await transport.get(PATH, signal)), { status: 200, name: 'orders' });
});

test('a certificate that the kubeconfig does not vouch for is refused', async (t) => {
  const api = await start(t);
  const path = configs(t, api).write('config', { cluster: { 'certificate-authority': undefined } });
  const transport = await kubeconfigTransport(path);
  await assert.rejects(transport.get(PATH, new AbortController().signal), /certificate/);
});

test('an exec plugin is asked for a token', async (t) => {
  const api = await start(t);
  const { write, directory } = configs(t, api);
  const credential = join(directory, 'credential.json');
  const status = { token: api.token };
  const apiVersion = 'client.authentication.k8s.io/v1';
  writeFileSync(credential, JSON.stringify({ apiVersion, kind: 'ExecCredential', status }));
  const exec = { apiVersion, command: 'cat', args: [credential], interactiveMode: 'Never' };
  const transport = await kubeconfigTransport(write('config', { user: { exec } }));
  assert.equal((await read(await transport.get(PATH, new AbortController().signal))).status, 200);
});

test('a token that is replaced in the file is used after a refusal', async (t) => {
  const api = await start(t);
  const { write } = configs(t, api);
  const path = write('config');
  const transport = await kubeconfigTransport(path);
  const { signal } = new AbortController();
  api.token = 'second-token';
  write('config', { user: { token: 'second-token' } });
  assert.equal((await read(await transport.get(PATH, signal))).status, 401);
  assert.equal((await read(await transport.get(PATH, signal))).status, 200);
});

test('of several files the first that names a context wins', async (t) => {
  const api = await start(t);
  const { write, directory } = configs(t, api);
  const users = join(directory, 'users');
  writeFileSync(users, JSON.stringify({ users: [], clusters: [], contexts: [] }));
  const transport = await kubeconfigTransport(`${users}:${write('config', { namespace: 'test' })}`);
  assert.equal(transport.namespace, 'test');
  assert.equal((await read(await transport.get(PATH, new AbortController().signal))).status, 200);
});

test('the proxy of a cluster is used', async (t) => {
  const api = await start(t);
  const asked: string[] = [];
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', ({ url = '' }, socket: Socket) => {
    asked.push(url);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(connect(api.port, api.host)).pipe(socket);
  });
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const path = configs(t, api).write('config', { cluster: { 'proxy-url': `http://127.0.0.1:${port}` } });
  const transport = await kubeconfigTransport(path);
  assert.equal((await read(await transport.get(PATH, new AbortController().signal))).status, 200);
  assert.deepEqual(asked, [`${api.host}:${api.port}`]);
});

test('a request can be given up', async (t) => {
  const api = await start(t);
  const transport = await kubeconfigTransport(configs(t, api).write('config'));
  api.mute = true;
  const abort = new AbortController();
  const response = transport.get(PATH, abort.signal);
  await api.received('service');
  abort.abort();
  await assert.rejects(response, { name: 'AbortError' });
  await api.left();
});

test('a file that is not there, or no kubeconfig, is an error that names it', async (t) => {
  const api = await start(t);
  const { directory } = configs(t, api);
  const nonsense = join(directory, 'nonsense');
  writeFileSync(nonsense, '{');
  for (const path of [join(directory, 'none'), nonsense]) {
    await assert.rejects(kubeconfigTransport(path), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'EVENKEEL_KUBECONFIG');
      assert.ok(error.message.startsWith(`the kubeconfig ${path} can't be used: `), error.message);
      return true;
    });
  }
});

test('a kubeconfig without a context is an error that says so', async (t) => {
  const api = await start(t);
  const path = join(configs(t, api).directory, 'empty');
  writeFileSync(path, JSON.stringify({ users: [], clusters: [], contexts: [] }));
  const transport = await kubeconfigTransport(path);
  await assert.rejects(transport.get(PATH, new AbortController().signal), /names no cluster/);
});

test('a CA that is replaced in the file is used after the old one has failed', async (t) => {
  const api = await start(t);
  const { write } = configs(t, api);
  const data = (pem: string) => ({
    'certificate-authority': undefined,
    'certificate-authority-data': Buffer.from(pem).toString('base64'),
  });
  const path = write('config', { cluster: data(certificateFor('IP:127.0.0.1').cert) });
  const transport = await kubeconfigTransport(path);
  const { signal } = new AbortController();
  write('config', { cluster: data(readFileSync(join(api.serviceAccount, 'ca.crt'), 'utf8')) });
  await assert.rejects(transport.get(PATH, signal), /certificate/);
  assert.equal((await read(await transport.get(PATH, signal))).status, 200);
});

const SECRET = 'eyJhbGciOi-the-token';

for (const [what, user] of [
  ['is indented wrongly', `token: "${SECRET}\n   x: [y`],
  ['seems to be an alias', `token: *${SECRET}`],
  ['seems to be a tag', `token: !${SECRET} x`],
  ['seems to be a malformed tag', `token: !<${SECRET}^> x`],
  ['seems to be a directive', `token: x\n---\n%${SECRET} x\n---\ny: *z`],
  ['stands twice', `${SECRET}: 1\n    ${SECRET}: 2`],
] as const) {
  test(`of a kubeconfig whose token ${what}, only reason and position are told`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'config');
    writeFileSync(path, `users:\n- name: u\n  user:\n    ${user}\n`);
    await assert.rejects(kubeconfigTransport(path), (error: Error) => {
      assert.match(
        error.message,
        /^the kubeconfig \S+ can't be used: [a-z][a-z ]+ \(line \d+, column \d+\)$/i,
      );
      // With its cause, and whatever else it has.
      assert.ok(!inspect(error, { depth: null, showHidden: true }).includes(SECRET));
      return true;
    });
  });
}

test('an exec plugin that prints something else than it should has that kept to itself', async (t) => {
  const api = await start(t);
  const { write } = configs(t, api);
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'echo',
    args: [SECRET],
    interactiveMode: 'Never',
  };
  const transport = await kubeconfigTransport(write('config', { user: { exec } }));
  await assert.rejects(transport.get(PATH, new AbortController().signal), (error: Error) => {
    assert.match(error.message, /plugin printed is not JSON/);
    assert.ok(!inspect(error, { depth: null }).includes(SECRET));
    return true;
  });
});
