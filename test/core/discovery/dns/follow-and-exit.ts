// Follows a name until SIGTERM; run by tests that want the process to end when nothing is left to do.
import { systemClock } from '../../../../src/core/base/clock.ts';
import { dnsResolver } from '../../../../src/core/discovery/dns/dns-resolver.ts';

const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());

const resolver = dnsResolver({
  servers: undefined,
  minTtl: 1_000,
  maxTtl: 30_000,
  family: 'auto',
  negativeHold: 30_000,
  clock: systemClock,
  random: Math.random,
  resolvConfPath: process.argv[2]!,
});

async function follow(): Promise<void> {
  const target = { hostname: 'orders.test', port: 80, protocol: 'http:' } as const;
  for await (const resolution of resolver(target, abort.signal)) {
    if ('error' in resolution) throw resolution.error;
    console.log(resolution.endpoints.map(({ address }) => address).join());
  }
}

// Not awaited: a module that is still waiting when the process ends makes it fail.
void follow();
