import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { doctor } from '../../src/cli/doctor.ts';
import { placeIn } from '../core/discovery/kubernetes/setup.ts';
import { podAt, serviceNamed, sliceOf } from '../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { nextAddress, startPod, startPods } from '../support/pods.ts';

export const NAME = 'orders.prod.svc.cluster.local';

export interface Examined {
  readonly code: number;
  readonly text: string;
  /** Causes and next steps, each in a line, and nothing else. */
  readonly findings: string;
}

interface Facts {
  headless?: boolean;
  pods?: number;
  env?: Record<string, string>;
}

/** A cluster with a Service `orders` in the namespace `prod`, seen from one of its pods. */
export async function startCluster(
  t: TestContext,
  { headless = false, pods: count = 3, env = {} }: Facts = {},
) {
  const [api, dns, pods] = await Promise.all([startApiServer(t), startDnsServer(t), startPods(t, count)]);
  const place = placeIn(t, api);
  const { port } = pods[0]!;
  const addresses = pods.map(({ address }) => address);
  // Stands for the ClusterIP: somebody listens there too.
  const proxy = await startPod(t, { port, address: nextAddress() });
  const spec = { clusterIP: headless ? 'None' : proxy.address, ports: [{ port, protocol: 'TCP' }] };
  api.store.putService('prod', serviceNamed('orders', spec));
  const endpoints = addresses.map((address, index) => podAt(address, { zone: `zone-${index}` }));
  api.store.putSlice('prod', sliceOf('orders', 'a', endpoints, { ports: { '': port } }));
  writeFileSync(place.resolvConf, `${readFileSync(place.resolvConf, 'utf8')}nameserver ${dns.address}\n`);
  dns.set(NAME, headless ? addresses : [proxy.address], { ttl: 5 });
  const examine = async (name: string, ...args: string[]): Promise<Examined> => {
    let text = '';
    const code = await doctor([`${name.includes('://') ? '' : 'http://'}${name}:${port}/`, ...args], {
      output: { write: (part) => (text += part) },
      // Names that it doesn't know are asked of nobody else.
      env: { EVENKEEL_DNS_SERVERS: dns.address, ...env },
      place,
      app: '/nonexistent',
    });
    const findings = text.slice(text.search(/^[✗!✓]/m)).replace(/\n {2}(?!→|see )/g, ' ');
    return { code, text, findings };
  };
  return { api, dns, place, pods, port, proxy, examine };
}

/** Writes a kubeconfig that leads to an API server, for as long as that is there. */
export function writeKubeconfig({ host, port, serviceAccount, token }: ApiServer): string {
  const path = join(serviceAccount, 'kubeconfig');
  const cluster = {
    server: `https://${host}:${port}`,
    'certificate-authority': join(serviceAccount, 'ca.crt'),
  };
  // JSON is YAML.
  writeFileSync(
    path,
    JSON.stringify({
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'prod' } }],
      users: [{ name: 'test', user: { token } }],
      clusters: [{ name: 'test', cluster }],
    }),
  );
  return path;
}
