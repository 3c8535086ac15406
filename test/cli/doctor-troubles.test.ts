import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { doctor } from '../../src/cli/doctor.ts';
import { podAt, serviceNamed, sliceOf } from '../support/api-objects.ts';
import { certificateFor } from '../support/certificate.ts';
import { nextAddress, startPod } from '../support/pods.ts';
import { NAME, startCluster } from './setup.ts';

const DOMAIN = 'svc.cluster.local';

/** Starts some other server than a pod. */
async function listen(t: TestContext, server: Server): Promise<{ address: string; port: number }> {
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address() as AddressInfo;
}

/** What is said of a URL outside of any cluster. */
async function examined(t: TestContext, ...args: string[]) {
  const { place } = await startCluster(t, { pods: 1 });
  let text = '';
  const output = { write: (part: string) => (text += part) };
  const code = await doctor(args, { output, env: {}, place: { ...place, apiHost: undefined } });
  return { code, text, findings: text.slice(text.search(/^[✗!✓]/m)).replace(/\n {2}(?!→|see )/g, ' ') };
}

test('pods that can not be dialled are told from a Service that can not', async (t) => {
  const { examine, pods, proxy } = await startCluster(t);
  for (const pod of pods) await pod.kill();
  const blocked = await examine('orders.prod');
  assert.equal(blocked.code, 1);
  assert.match(blocked.text, new RegExp(`${proxy.address}:\\d+ +ClusterIP +connected in`));
  assert.match(
    blocked.findings,
    /^✗ evenkeel can connect to no pod of Service prod\/orders \(.*ECONNREFUSED.*\), but to its ClusterIP [\d.]+/m,
  );
  assert.match(blocked.findings, /→ does a NetworkPolicy .*kubectl -n prod get networkpolicies/);
  assert.match(blocked.text, /200 to HEAD/);
  const { endpoints } = JSON.parse((await examine('orders.prod', '--json')).text);
  assert.deepEqual(endpoints[0].reasons, ['backing-off', 'untried']);
  await proxy.kill();
  const down = await examine('orders.prod');
  assert.match(
    down.findings,
    /^✗ evenkeel can connect to no endpoint, nor to the ClusterIP: .*ECONNREFUSED/m,
  );
  assert.match(down.findings, /→ does the container listen on this port.*kubectl get pods .*grep -w 127\./);
});

test('a targetPort that no container has is told from pods that are not ready', async (t) => {
  const { examine, api, pods, port } = await startCluster(t);
  const endpoints = pods.map(({ address }) => podAt(address));
  api.store.putSlice('prod', sliceOf('orders', 'a', endpoints, { ports: {} }));
  const { code, text, findings } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(text, /other port/);
  assert.match(
    findings,
    new RegExp(`^✗ no pod can serve: .* has 3 ready endpoints, but none with its port ${port}: `, 'm'),
  );
  assert.match(findings, /→ kubectl -n prod get service orders -o jsonpath/);
});

test('a Service for pods of the own node is told from one without pods', async (t) => {
  const env = { EVENKEEL_KUBERNETES_NODE_NAME: 'node-1' };
  const { examine, api, pods, port, proxy } = await startCluster(t, { env });
  const spec = { clusterIP: proxy.address, internalTrafficPolicy: 'Local', ports: [{ port }] };
  api.store.putService('prod', serviceNamed('orders', spec));
  const endpoints = pods.map(({ address }) => podAt(address, { nodeName: 'node-2' }));
  api.store.putSlice('prod', sliceOf('orders', 'a', endpoints, { ports: { '': port } }));
  const { findings } = await examine('orders.prod');
  assert.match(findings, /^✗ no pod can serve: .* Local, and none of its 3 ready .* on this node/m);
});

test('an ExternalName is followed to the pods of the Service that it leads to', async (t) => {
  const { examine, api, dns } = await startCluster(t);
  const spec = { type: 'ExternalName', externalName: NAME };
  api.store.putService('shop', serviceNamed('alias', spec));
  dns.setAlias(`alias.shop.${DOMAIN}`, NAME);
  const { code, text } = await examine('alias.shop');
  assert.equal(code, 0, text);
  assert.match(text, /in namespace prod: .*\n.*Service orders: ClusterIP/);
  assert.match(text, /3 endpoints by endpointslices/);
});

test('an ExternalName that leads nowhere, as to itself, is told from a Service without pods', async (t) => {
  const { examine, api } = await startCluster(t);
  const name = `loop.prod.${DOMAIN}`;
  api.store.putService('prod', serviceNamed('loop', { type: 'ExternalName', externalName: name }));
  const { code, findings } = await examine('loop.prod');
  assert.equal(code, 1);
  assert.match(
    findings,
    /^✗ the Service loop of namespace prod is an ExternalName for loop\.prod\.svc.*, which/m,
  );
});

test('a Service that name servers do not know is told from one without pods', async (t) => {
  for (const headless of [true, false]) {
    const { dns, place, port } = await startCluster(t, { headless });
    let text = '';
    const output = { write: (part: string) => (text += part) };
    const env = { EVENKEEL_DNS_SERVERS: dns.address };
    const nowhere = { ...place, resolvConf: '/nonexistent' };
    await doctor([`orders.prod:${port}`], { output, env, place: nowhere });
    assert.match(
      text.replace(/\n {2}/g, ' '),
      /✗ the Service orders .* is there, but [\d.:]+ did not find its name, asked for orders\.prod: /,
    );
    assert.match(text, /→ cat \/etc\/resolv\.conf; set dnsPolicy: ClusterFirst in the pod/);
  }
});

test('where the API does not tell rights, they show when they are used', async (t) => {
  const { examine, api } = await startCluster(t);
  api.tellsRights = false;
  const granted = await examine('orders.prod');
  assert.equal(granted.code, 0, granted.text);
  assert.match(granted.text, /list endpointslices: not told/);
  assert.match(granted.text, /3 endpoints by endpointslices/);
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  const refused = await examine('orders.prod');
  assert.equal(refused.code, 1);
  assert.match(refused.findings, /^✗ evenkeel can't see the pods of Service prod\/orders/m);
  assert.match(
    refused.findings,
    /→ npx --no-install evenkeel rbac --namespace prod --service-account <namespace>:<name> \|/,
  );
});

test('an API server that shows the certificate of somebody else is told from one that is down', async (t) => {
  const { examine, place } = await startCluster(t);
  writeFileSync(join(place.serviceAccount, 'ca.crt'), certificateFor('IP:127.0.0.1').cert);
  const { code, findings } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(
    findings,
    /^✗ the Kubernetes API at .* shows a certificate that evenkeel doesn't trust: self-signed/m,
  );
  assert.match(findings, /→ is the CA from this cluster/);
});

test('what is wrong with TLS is told, and how to see more', async (t) => {
  const server = createTlsServer(certificateFor('DNS:other.test'), (_request, response) => response.end());
  const { address, port } = await listen(t, server);
  const unknown = await examined(t, `https://${address}:${port}/`);
  assert.equal(unknown.code, 1);
  assert.match(unknown.findings, /^✗ evenkeel can connect to no endpoint: self-signed certificate/m);
  assert.match(unknown.findings, new RegExp(`→ the CA .* openssl s_client -connect ${address}:${port} `));
  const pod = await startPod(t);
  const plain = await examined(t, `https://${pod.address}:${pod.port}/`);
  assert.match(plain.findings, /^✗ evenkeel can connect to no endpoint: TLS failed: wrong version number$/m);
  assert.match(plain.findings, /→ the server speaks no TLS on this port: should the URL begin with http:\?/);
});

test('why there was no response is told', async (t) => {
  const pod = await startPod(t);
  const url = `http://${pod.address}:${pod.port}/`;
  pod.respond = (_request, response) => response.writeHead(200, { large: 'x'.repeat(20_000) }).end();
  assert.match((await examined(t, url)).findings, /→ the option maxHeaderSize/);
  pod.respond = ({ socket }) => socket.destroy();
  assert.match(
    (await examined(t, url)).findings,
    /→ does the server speak HTTP .* curl -v --max-time 30 http/,
  );
  const { address, port } = await listen(t, createHttp2Server());
  assert.match(
    (await examined(t, `http://${address}:${port}/`)).findings,
    /→ is it the right port\? HTTP\/2/,
  );
  assert.equal((await examined(t, `${address}:${port}`, '-o', 'useH2c=true', '--no-request')).code, 0);
});

test('each bad variable has its own line; those that switch it off are told', async (t) => {
  const env = { EVENKEEL_SPRAED: '4', EVENKEEL_DNS_MIN_TTL: 'later', EVENKEEL_MODE: 'observe' };
  const { examine } = await startCluster(t, { env });
  const { findings } = await examine('orders.prod');
  assert.match(findings, /^✗ EVENKEEL_SPRAED is not a variable/m);
  assert.match(findings, /^✗ EVENKEEL_DNS_MIN_TTL must be a duration/m);
  assert.match(findings, /^2 problems\.$/m);
  assert.match(findings, /^! EVENKEEL_MODE is observe: the preload and install\(\) balance nothing/m);
});

test('a cluster domain that is not the cluster’s is told', async (t) => {
  const env = { EVENKEEL_KUBERNETES_CLUSTER_DOMAIN: 'k8s.local' };
  const { examine } = await startCluster(t, { env });
  const { code, findings } = await examine('orders.prod');
  assert.equal(code, 1);
  assert.match(
    findings,
    /^✗ evenkeel doesn't take orders\.prod\.svc\.cluster\.local for .* cluster domain is k8s\.local$/m,
  );
  assert.match(findings, /→ .*: EVENKEEL_KUBERNETES_CLUSTER_DOMAIN=cluster\.local$/m);
});

test('credentials in a URL are shown to nobody', async (t) => {
  const pod = await startPod(t);
  let headers: unknown;
  pod.on('request', (request) => {
    headers = request.headers;
  });
  const { text } = await examined(t, `http://me:secret@${pod.address}:${pod.port}/`, '--json');
  assert.doesNotMatch(text, /secret/);
  assert.doesNotMatch(JSON.stringify(headers), /authorization/);
});

test('it fits a narrow terminal', async (t) => {
  const { place, dns, port } = await startCluster(t);
  let text = '';
  const output = { columns: 60, write: (part: string) => (text += part) };
  await doctor([`oders.prod:${port}`], { output, env: { EVENKEEL_DNS_SERVERS: dns.address }, place });
  const findings = text.slice(text.indexOf('✗')).split('\n');
  for (const line of findings.filter((line) => !line.includes('→'))) assert.ok(line.length <= 60, line);
});
