import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADVICE } from '../../src/cli/doctor/advice.ts';
import { PROBLEMS } from '../../src/cli/doctor/problems.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { podAt, serviceNamed, sliceOf } from '../support/api-objects.ts';
import { NAME, startCluster, writeKubeconfig } from './setup.ts';

test('behind a headless Service it sees the pods, and all is well', async (t) => {
  const { examine, pods, dns } = await startCluster(t, { headless: true });
  const { code, text } = await examine('orders');
  assert.equal(code, 0, text);
  assert.match(text, /orders is orders\.prod\.svc\.cluster\.local/);
  assert.match(text, /dns +orders\.prod\.svc\.cluster\.local +127\.[\d. ]+, TTL 5 s/);
  assert.ok(text.includes(`asked ${dns.address}`));
  assert.match(text, /Service orders: headless/);
  assert.match(text, /3 endpoints by endpointslices; balanced by an installed agent/);
  for (const { address, port } of pods) {
    assert.match(text, new RegExp(`${address}:${port} +zone-\\d +in use +connected in [\\d.]+ ms`));
  }
  assert.match(text, /200 to HEAD; the server keeps idle connections for 5 s, evenkeel for 3 s/);
  assert.match(text, /^✓ http:\/\/orders:\d+ can be balanced from here\.$/m);
});

test('behind a headless Service without rights it says what they would change', async (t) => {
  const { examine, api } = await startCluster(t, { headless: true });
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  const { code, findings, text } = await examine('orders.prod');
  assert.equal(code, 0, text);
  assert.match(text, /3 endpoints by dns/);
  assert.match(findings, /^! evenkeel sees the pods in DNS, so it notices changes when the TTL is over/m);
  assert.match(
    findings,
    /→ npx --no-install evenkeel rbac --namespace prod --service-account prod:default \| kubectl/,
  );
});

test('behind a ClusterIP with rights it sees the pods, and all is well', async (t) => {
  const { examine, proxy } = await startCluster(t);
  const { code, text } = await examine('orders.prod');
  assert.equal(code, 0, text);
  assert.match(
    text,
    /list endpointslices: yes, watch endpointslices: yes, list services: yes, watch services: yes/,
  );
  assert.ok(text.includes(`Service orders: ClusterIP ${proxy.address}`));
  assert.match(text, /3 endpoints by endpointslices/);
});

test('behind a ClusterIP without rights it has the command that grants them', async (t) => {
  const { examine, api } = await startCluster(t);
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  const { code, findings, text } = await examine('orders.prod');
  assert.equal(code, 1, text);
  assert.match(
    text,
    /list endpointslices: no, watch endpointslices: no, list services: no, watch services: no/,
  );
  assert.match(findings, /^✗ evenkeel can't see the pods of Service prod\/orders: DNS has one address/m);
  assert.match(
    findings,
    /→ npx --no-install evenkeel rbac --namespace prod --service-account prod:default \| kubectl apply -f -/,
  );
  assert.match(findings, /^1 problem\.$/m);
});

test('behind a ClusterIP without rights it proposes that pods name themselves, and is content if they do', async (t) => {
  const { examine, api, proxy } = await startCluster(t);
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  const nameless = await examine('orders.prod');
  assert.match(nameless.findings, /^! the response has no header evenkeel-pod: if the pods name themselves/m);
  assert.match(nameless.findings, /→ if the pods run Node\.js: node --import evenkeel\/identify app\.js/);
  proxy.respond = (_request, response) => response.setHeader('evenkeel-pod', 'pod-1').end();
  const named = await examine('orders.prod');
  assert.equal(named.code, 0, named.text);
  assert.match(named.text, /^ +the pod names itself pod-1$/m);
  assert.match(named.findings, /^! pods name themselves, so evenkeel knows a new pod/m);
  assert.match(named.findings, /rbac --namespace prod --service-account prod:default \| kubectl apply/);
  assert.doesNotMatch(named.findings, /evenkeel-pod/);
});

test('names are proposed in the header that evenkeel looks at, and not where it looks at none', async (t) => {
  const { examine, api, proxy } = await startCluster(t);
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  proxy.respond = (_request, response) => response.setHeader('evenkeel-pod', 'pod-1').end();
  const other = await examine('orders.prod', '-o', 'identityHeader=x-pod');
  assert.match(other.findings, /^! the response has no header x-pod: /m);
  assert.match(other.findings, /→ let the pods send x-pod \(docs\/identify\.md\)/);
  for (const options of [['identityHeader=false'], ['policy=ring-hash', 'ringHash.header=x-user']]) {
    const { findings } = await examine('orders.prod', ...options.flatMap((option) => ['-o', option]));
    assert.doesNotMatch(findings, /name themselves/, options[0]);
    assert.match(findings, /^✗ evenkeel can't see the pods/m, options[0]);
  }
  const unasked = await examine('orders.prod', '--no-request');
  assert.doesNotMatch(unasked.findings, /name themselves/);
});

test('where Services may be read and not watched, pods are seen, and it says what to grant', async (t) => {
  const { examine, api } = await startCluster(t);
  api.refuse = ({ kind }) => (/^service-/.test(kind) ? { status: 403, message: 'forbidden' } : undefined);
  const { code, findings, text } = await examine('orders.prod');
  assert.equal(code, 0, text);
  assert.match(text, /3 endpoints by endpointslices/);
  assert.match(
    findings,
    /^! evenkeel may not watch Service prod\/orders, so it reads the Service every few seconds/m,
  );
  assert.match(findings, /rbac --namespace prod --service-account prod:default \| kubectl apply/);
});

test('a name that does not exist is named, with what it was asked for', async (t) => {
  const { examine } = await startCluster(t);
  const { code, findings } = await examine('oders.prod');
  assert.equal(code, 1);
  assert.match(findings, /^✗ there is no such name: oders\.prod \(asked for oders\.prod\.prod\.svc/m);
  assert.match(findings, /namespace prod has no Service oders/);
  assert.match(findings, /→ are the name and the namespace right\? kubectl get services .* grep oders/);
});

test('a headless Service none of whose pods is ready is told from a name that does not exist', async (t) => {
  const { examine, dns } = await startCluster(t, { headless: true });
  dns.remove(NAME);
  const { code, findings } = await examine('orders');
  assert.equal(code, 1);
  assert.match(findings, /^✗ the Service orders of namespace prod is there.*none of its pods is ready/m);
  assert.match(findings, /→ kubectl -n prod describe service orders/);
});

test('an API server that is down is named, and what holds without it', async (t) => {
  const { examine, api } = await startCluster(t);
  await api.stop();
  const { code, findings, text } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(text, /1 endpoint by dns/);
  assert.match(
    findings,
    /^✗ evenkeel can't reach the Kubernetes API at https:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*only DNS/m,
  );
  assert.match(findings, /→ does it run, and may this pod connect to it \(a NetworkPolicy\)\?/);
});

test('name servers that fail are named', async (t) => {
  const { examine, dns } = await startCluster(t);
  dns.misbehave('*', { rcode: 'SERVFAIL' });
  const { code, findings } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(findings, /^✗ 127\.0\.0\.1:\d+ could not look the name up: .*SERVFAIL/m);
});

test('pods that are not ready, and one that refuses connections, are told', async (t) => {
  const { examine, api, pods, port } = await startCluster(t);
  await pods[0]!.kill();
  const endpoints = pods.map(({ address }, index) => podAt(address, { ready: index < 2 }));
  api.store.putSlice('prod', sliceOf('orders', 'a', endpoints, { ports: { '': port } }));
  const { code, findings, text } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(text, new RegExp(`${pods[2]!.address}:${port} +not ready`));
  assert.match(findings, /^✗ evenkeel can't connect to 1 of 2 endpoints: .*ECONNREFUSED/m);
  assert.match(findings, /→ does the container listen/);
});

test('a Service with nobody ready is told, and the port that one does not have', async (t) => {
  const { examine, api, pods, port } = await startCluster(t);
  const endpoints = pods.map(({ address }) => podAt(address, { ready: false }));
  api.store.putSlice('prod', sliceOf('orders', 'a', endpoints, { ports: { '': port } }));
  const nobody = await examine('orders.prod');
  assert.equal(nobody.code, 1);
  assert.match(nobody.findings, /^✗ no pod can serve: no endpoint is ready \(3 not ready\)/m);
  api.store.putService(
    'prod',
    serviceNamed('orders', { clusterIP: pods[0]!.address, ports: [{ port: 81 }] }),
  );
  const { code, findings } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(findings, /^✗ Service prod\/orders has no TCP port \d+; it has 81/m);
});

test('one pod, a mesh, and a server that closes connections are good to know', async (t) => {
  const { examine, place, pods } = await startCluster(t, { pods: 1 });
  pods[0]!.respond = (_request, response) => response.writeHead(200, { connection: 'close' }).end();
  const one = await examine('orders.prod');
  assert.equal(one.code, 0, one.text);
  assert.match(one.findings, /^! there is one pod: evenkeel has nothing to balance/m);
  assert.match(one.findings, /^! the server closes each connection after its response/m);
  place.listen(15_001, 15_006);
  const { code, findings } = await examine('orders.prod');
  assert.equal(code, 0);
  assert.match(findings, /^! Istio has a proxy beside this process, which balances/m);
});

test('that an origin can be balanced is said only where evenkeel would do so', async (t) => {
  const { examine, pods } = await startCluster(t, { headless: true });
  const last = async (...args: Parameters<typeof examine>) =>
    (await examine(...args)).text.trim().split('\n').at(-1)!;
  assert.match(await last(NAME), /^✓ http:\S+ can be balanced from here\.$/);
  assert.match(
    await last(NAME, '-o', 'hosts=*.other'),
    /^✓ No problem with http:\S+, but evenkeel doesn't balance it\.$/,
  );
  assert.match(
    await last(pods[0]!.address),
    /^✓ No problem with http:\S+, but nothing to balance: evenkeel sees one endpoint\.$/,
  );
});

test('a full name is named once', async (t) => {
  const { examine } = await startCluster(t, { headless: true });
  assert.match((await examine(NAME)).text, new RegExp(`^Name +${NAME}$`, 'm'));
});

test('outside of a cluster it says so, and asks DNS', async (t) => {
  const { place, port } = await startCluster(t, { headless: true });
  let text = '';
  const code = await doctor([`${NAME}:${port}`], {
    output: { write: (part) => (text += part) },
    env: {},
    place: { ...place, apiHost: undefined },
  });
  assert.equal(code, 0, text);
  assert.match(text, /not asked: not in a cluster, and no kubeconfig/);
});

test('outside of a cluster it asks by a kubeconfig, if there is one', async (t) => {
  const { place, port, api } = await startCluster(t);
  api.username = 'admin';
  let text = '';
  const code = await doctor([`orders.prod:${port}`], {
    output: { write: (part) => (text += part) },
    env: {},
    place: { ...place, apiHost: undefined, kubeconfig: writeKubeconfig(api) },
  });
  assert.equal(code, 0, text);
  assert.match(text, /asked by kubeconfig\n.*list endpointslices: yes/);
  assert.match(text, /3 endpoints by endpointslices/);
});

test('an API server that does not know the token is told from one that is down', async (t) => {
  const { examine, api } = await startCluster(t);
  api.writeToken('of another cluster');
  const { code, findings } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(findings, /^✗ the Kubernetes API answered 401: Unauthorized\. So evenkeel has only DNS/m);
  assert.match(findings, /→ the token of the service account is not valid/);
});

test('a pod without a service account token is told what it takes', async (t) => {
  const { place, port } = await startCluster(t);
  let text = '';
  const code = await doctor([`orders.prod:${port}`], {
    output: { write: (part) => (text += part) },
    env: {},
    place: { ...place, serviceAccount: '/nonexistent' },
  });
  assert.equal(code, 1);
  assert.match(text, /not asked: in a cluster, but without a service account token/);
  assert.match(text, /→ set automountServiceAccountToken: true/);
});

test('pods that nobody looks for are told', async (t) => {
  const { examine, place, port } = await startCluster(t);
  const { code, findings } = await examine('orders.prod', '-o', 'discovery=dns');
  assert.equal(code, 1);
  assert.match(findings, /^✗ evenkeel doesn't see the pods of Service prod\/orders: .* discovery is 'dns'/m);
  let text = '';
  const outside = { ...place, apiHost: undefined };
  const output = { write: (part: string) => (text += part) };
  assert.equal(await doctor([`orders.prod:${port}`], { output, env: {}, place: outside }), 1);
  assert.match(text, /→ set KUBECONFIG, or the option kubernetes\.kubeconfig/);
});

test('where Kubernetes was asked for, DNS is not asked for a full name; an address is not looked up at all', async (t) => {
  const { examine, pods, port } = await startCluster(t);
  const { code, text } = await examine(NAME, '-o', 'discovery=kubernetes');
  assert.equal(code, 0, text);
  assert.match(text, /Kubernetes is asked, and not DNS/);
  assert.match(text, /3 endpoints by endpointslices/);
  const address = await examine(pods[0]!.address);
  assert.equal(address.code, 0, address.text);
  assert.match(address.text, new RegExp(`${pods[0]!.address} is an address`));
  assert.ok(address.text.includes(`${pods[0]!.address}:${port}`));
});

test('settings are listed with where they come from', async (t) => {
  const env = { EVENKEEL_SPREAD: '4', EVENKEEL_CONNECT_TIMEOUT: '2s', EVENKEEL_DNS_MAX_TTL: 'soon' };
  const { examine } = await startCluster(t, { env });
  const some = await examine('orders.prod', '-o', 'spread=6', '--option', 'retry=false');
  assert.match(some.text, /connectTimeout +2000 +\(EVENKEEL_CONNECT_TIMEOUT\)/);
  assert.match(some.text, /spread +6 +\(option\)/);
  assert.match(some.text, /retry +false +\(option\)/);
  assert.doesNotMatch(some.text, /retry\.attempts|maxTtl +\d/);
  assert.match(some.findings, /^✗ EVENKEEL_DNS_MAX_TTL must be a duration/m);
  const all = await examine('orders.prod', '--settings');
  assert.match(all.text, /dns\.maxTtl +30000 +\(default\)/);
});

test('as JSON there is all of it, always with the same fields', async (t) => {
  const { examine } = await startCluster(t);
  const { code, text } = await examine('orders.prod', '--json', '--no-request');
  const result = JSON.parse(text);
  assert.equal(code, 0);
  assert.equal(result.verdict, 'well');
  assert.equal(result.names.matched, NAME);
  assert.equal(result.names.steps.at(-1).ttl, 5_000);
  assert.deepEqual(result.discovery, {
    source: 'endpointslices',
    virtual: false,
    passive: false,
    error: null,
  });
  assert.equal(result.endpoints.length, 3);
  assert.ok(result.endpoints[0].dial.took > 0);
  assert.deepEqual(result.endpoints[0].reasons, []);
  assert.equal(result.response, null);
  assert.ok(
    result.settings.some(
      ({ name, from }: { name: string; from: string }) => name === 'spread' && from === 'default',
    ),
  );
  const bad = JSON.parse((await examine('oders.prod', '--json')).text);
  assert.deepEqual([bad.verdict, bad.problems[0].code], ['problems', 'name-not-found']);
  assert.equal(bad.discovery.error.code, 'ENOTFOUND');
  for (const part of ['', 'names', 'kubernetes', 'discovery'] as const) {
    const [a, b] = [result, bad].map((whole) => Object.keys(part === '' ? whole : whole[part]));
    assert.deepEqual(a, b, part);
  }
});

test('the fields of its JSON and the codes of what it finds are documented', async (t) => {
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  const { examine } = await startCluster(t, { pods: 1 });
  const { endpoints, response, ...result } = JSON.parse((await examine('orders.prod', '--json')).text);
  const parts = { ...result, ...result.names, ...result.kubernetes, ...endpoints[0], ...response };
  for (const name of [...Object.keys(parts), ...Object.keys(PROBLEMS), ...Object.keys(ADVICE)]) {
    assert.ok(page.includes(`\`${name}\``), name);
  }
});

test('a request is sent only where that is wanted, and only one', async (t) => {
  const { examine, pods } = await startCluster(t);
  await examine('orders.prod', '--no-request');
  assert.equal(
    pods.reduce((sum, { requests }) => sum + requests, 0),
    0,
  );
  await examine('orders.prod');
  assert.equal(
    pods.reduce((sum, { requests }) => sum + requests, 0),
    1,
  );
});

test('what is no URL or no option is refused', async () => {
  await assert.rejects(doctor([]), { name: 'UsageError' });
  await assert.rejects(doctor(['ftp://orders']), { name: 'UsageError' });
  await assert.rejects(doctor(['orders', '--nonsense']), { name: 'UsageError' });
  await assert.rejects(doctor(['orders', '-o', 'sprad=3']), { name: 'UsageError', message: /sprad/ });
  await assert.rejects(doctor(['orders', '-o', 'spread=many']), {
    name: 'UsageError',
    message: /spread must be .*, got 'many'$/,
  });
});

test('on a terminal it says what it does, and colours what it has to say, unless NO_COLOR is set', async (t) => {
  const { place, port } = await startCluster(t);
  const shown = async (env: Record<string, string>) => {
    let [text, told] = ['', ''];
    const output = { isTTY: true, write: (part: string) => (text += part) };
    const progress = { isTTY: true, write: (part: string) => (told += part) };
    await doctor([`http://orders.prod:${port}`], { output, progress, env, place });
    return { text, told };
  };
  const coloured = await shown({});
  const [erase, green] = ['\r\x1b[K', '\x1b[32m'];
  assert.ok(coloured.told.startsWith(`${erase}Looking up orders.prod …${erase}Asking the Kubernetes API …`));
  assert.ok(coloured.told.endsWith(erase));
  assert.ok(coloured.text.includes(`${green}✓`));
  const plain = await shown({ NO_COLOR: '1' });
  assert.ok(!plain.text.includes('\x1b'));
});

test('a gRPC target is looked up and connected to, and no request is sent', async (t) => {
  const { examine, pods } = await startCluster(t, { headless: true });
  const { code, text } = await examine('grpc://orders.prod');
  assert.equal(code, 0, text);
  assert.match(text, /3 endpoints by endpointslices; balanced by an installed agent/);
  assert.doesNotMatch(text, /HEAD/);
  assert.ok(pods.every(({ requests }) => requests === 0));
});

test('each finding names its code, and where that is explained', async (t) => {
  const { examine } = await startCluster(t);
  const { findings } = await examine('oders.prod');
  assert.match(findings, /^ {2}see docs\/doctor\.md#name-not-found$/m);
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  for (const code of [...Object.keys(PROBLEMS), ...Object.keys(ADVICE)]) {
    assert.ok(page.includes(`<a id="${code}"></a>`), code);
  }
});

test('with --no-dial nobody is connected to', async (t) => {
  const { examine, pods, proxy } = await startCluster(t);
  const { code, text } = await examine('orders.prod', '--no-dial');
  assert.equal(code, 0, text);
  assert.match(text, /3 endpoints by endpointslices/);
  assert.match(text, /in use$/m);
  assert.match(text, /Response +none asked for/);
  assert.ok([...pods, proxy].every(({ connections }) => connections.length === 0));
});

test('with --fail-on advice, advice is as bad as a problem', async (t) => {
  const { examine } = await startCluster(t, { pods: 1 });
  assert.equal((await examine('orders.prod')).code, 0);
  assert.equal((await examine('orders.prod', '--fail-on', 'problem')).code, 0);
  assert.equal((await examine('orders.prod', '--fail-on', 'advice')).code, 1);
  await assert.rejects(examine('orders.prod', '--fail-on', 'all'), {
    name: 'UsageError',
    message: '--fail-on must be problem or advice, got all',
  });
});

test('the target of a redirect is told, without what may be secret', async (t) => {
  const { examine, pods } = await startCluster(t, { pods: 1 });
  pods[0]!.respond = (_request, response) =>
    response.writeHead(302, { location: 'https://me:secret@login.prod/start?token=secret' }).end();
  const { text } = await examine('orders.prod');
  assert.match(text, /302 to HEAD, a redirect to https:\/\/login\.prod\/start; the server/);
  assert.doesNotMatch(text, /secret/);
  const { response } = JSON.parse((await examine('orders.prod', '--json')).text);
  assert.equal(response.location, 'https://login.prod/start');
});

test('only servers that were asked are said to have been asked', async (t) => {
  const { examine, pods, place, port } = await startCluster(t);
  const address = await examine(pods[0]!.address);
  assert.match(address.text, /Kubernetes +not asked: the name is not that of a Service/);
  assert.doesNotMatch(address.text, /^ *asked /m);
  let text = '';
  const output = { write: (part: string) => (text += part) };
  await doctor([`localhost:${port}`, '--no-dial'], { output, env: {}, place });
  assert.doesNotMatch(text, /^ *asked /m);
});

test('a kubeconfig that is not there is told, and nobody was asked by it', async (t) => {
  const { examine, pods } = await startCluster(t, {
    env: { EVENKEEL_KUBERNETES_KUBECONFIG: '/nonexistent/config' },
  });
  const { code, text, findings } = await examine('orders.prod', '--no-dial');
  assert.equal(code, 1);
  assert.match(text, /Kubernetes +not asked: the kubeconfig \/nonexistent\/config can't be used: ENOENT/);
  assert.match(findings, /^✗ the kubeconfig \/nonexistent\/config can't be used: ENOENT/m);
  assert.match(findings, /→ correct KUBECONFIG/);
  assert.ok(pods.every(({ connections }) => connections.length === 0));
});

test('a client that needs more than the preload is named, and is no problem', async (t) => {
  const { place, port } = await startCluster(t);
  const app = mkdtempSync(join(tmpdir(), 'evenkeel-app-'));
  t.after(() => rmSync(app, { recursive: true }));
  const examine = async (...args: string[]) => {
    let text = '';
    const output = { write: (part: string) => (text += part) };
    const code = await doctor([`orders.prod:${port}`, '--fail-on', 'advice', ...args], {
      output,
      env: {},
      place,
      app: join(app, 'src'),
    });
    assert.equal(code, 0, text);
    return text;
  };
  assert.doesNotMatch(await examine(), /Clients/);
  const folder = join(app, 'node_modules/@connectrpc/connect-node');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "version": "2.3.0", "main": "index.js" }');
  assert.match(
    await examine(),
    /^Clients +@connectrpc\/connect-node 2\.3\.0: .* balancedSessions\(baseUrl\)/m,
  );
  const [client] = JSON.parse(await examine('--json')).clients;
  assert.deepEqual([client.name, client.version], ['@connectrpc/connect-node', '2.3.0']);
});

test('several URLs have a report each, and one with a problem is enough to end with 1', async (t) => {
  const { place, dns, port } = await startCluster(t);
  const examine = async (...args: string[]) => {
    let text = '';
    const output = { write: (part: string) => (text += part) };
    const code = await doctor(args, { output, env: { EVENKEEL_DNS_SERVERS: dns.address }, place });
    return { code, text };
  };
  const [good, bad] = [`http://orders.prod:${port}/`, `http://oders.prod:${port}/`];
  const both = await examine(good, bad);
  assert.equal(both.code, 1);
  assert.ok(both.text.startsWith(`${good}\n\nName `), both.text);
  assert.ok(both.text.includes(`can be balanced from here.\n\n${bad}\n\nName `), both.text);
  assert.equal((await examine(good, good)).code, 0);
  const lines = (await examine(good, bad, '--json')).text.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ url, verdict }) => [url, verdict]),
    [
      [good, 'well'],
      [bad, 'problems'],
    ],
  );
});

test('with --watch it looks again, and prints a report when something has changed', async (t) => {
  const { api, dns, place, pods, port } = await startCluster(t);
  const stop = new AbortController();
  const printed: { time: string; verdict: string; endpoints: { state: string }[] }[] = [];
  const heard = new EventEmitter();
  const output = {
    write: (line: string) => {
      printed.push(JSON.parse(line));
      heard.emit('printed');
    },
  };
  let looks = 0;
  const progress = {
    isTTY: true,
    write: (text: string) => text.includes('Looking up') && heard.emit('look', looks++),
  };
  const env = { EVENKEEL_DNS_SERVERS: dns.address };
  const first = once(heard, 'printed');
  const args = [`http://orders.prod:${port}/`, '--watch', '--json'];
  const ended = doctor(args, { output, progress, env, place, pause: 10, signal: stop.signal });
  await first;
  while (looks < 4) await once(heard, 'look');
  assert.equal(printed.length, 1);
  const second = once(heard, 'printed');
  const endpoints = pods.map(({ address }) => podAt(address, { ready: false }));
  api.store.putSlice('prod', sliceOf('orders', 'a', endpoints, { ports: { '': port } }));
  await second;
  stop.abort();
  assert.equal(await ended, 1);
  assert.deepEqual(
    printed.map(({ verdict }) => verdict),
    ['well', 'problems'],
  );
  assert.ok(printed.every(({ time }) => Date.parse(time) > 0));
});
