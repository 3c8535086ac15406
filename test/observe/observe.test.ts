import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NAME, startCluster, writeKubeconfig } from '../cli/setup.ts';
import { startPod } from '../support/pods.ts';
import { page, quoted, rowsUnder } from '../support/readme.ts';
import { RUNNING } from '../support/versions.ts';
import { observe, testReport } from './observing.ts';

testReport(RUNNING);

describe('what is observed', { concurrency: 3 }, () => {
  test('behind a ClusterIP, pods are found in EndpointSlices, and it does not count what it asks itself', async (t) => {
    const { api, dns, proxy, port, pods } = await startCluster(t);
    const env = {
      EVENKEEL_DNS_SERVERS: dns.address,
      EVENKEEL_KUBERNETES_KUBECONFIG: writeKubeconfig(api),
      EVENKEEL_KUBERNETES_CLUSTER_DOMAIN: 'cluster.local',
      EVENKEEL_OBSERVE_INTERVAL: '500ms',
      URL: `http://${NAME}:${port}`,
    };
    // A list is spread over a second.
    const work = `
      let found = false;
      subscribe('evenkeel:observe:report', ({ origins }) => (found ||= origins[0]?.source === 'endpointslices'));
      for (; !found; await setTimeout(50)) await get();`;
    const { reports, stderr } = await observe(t, work, { addresses: [proxy.address], known: [], port, env });
    const { origins, nodeHttp } = reports.find(({ origins }) => origins[0]?.source === 'endpointslices')!;
    const [report, ...others] = origins;
    assert.deepEqual([others, nodeHttp], [[], 0]);
    assert.equal(report?.source, 'endpointslices');
    assert.deepEqual(report.endpoints.toSorted(), pods.map(({ address }) => `${address}:${port}`).toSorted());
    assert.match(stderr, /→ 3 pods are behind this address/);
  });

  test('with EVENKEEL_OBSERVE_FORMAT=json, a report is one line: what the channel has, when and by whom', async (t) => {
    const pod = await startPod(t);
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const env = { EVENKEEL_OBSERVE_FORMAT: 'json', EVENKEEL_OBSERVE_INTERVAL: '0' };
    const { reports, stderr } = await observe(t, 'await get();', { ...world, env });
    const [line = '', ...more] = stderr.trim().split('\n');
    assert.deepEqual(more, []);
    const { channel, time, ...report } = JSON.parse(line);
    assert.equal(channel, 'evenkeel:observe:report');
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
    assert.ok(report.pid > 0 && report.pid !== process.pid);
    const documented = (title: string) =>
      rowsUnder(title, page('observability.md')).map(([name]) => quoted(name!)[0]);
    assert.deepEqual(Object.keys(report), documented('Field'));
    assert.deepEqual(Object.keys(report.origins[0]), documented('Field of an origin'));
    // Of what is not known, the message has undefined.
    assert.equal(report.origins[0].fairness, null);
    delete report.origins[0].fairness;
    assert.deepEqual(report, reports[0]);
  });
});
