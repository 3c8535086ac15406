import { describe, test } from 'node:test';
import { clusterIP, externalName, follow, headless } from './without-rights.ts';

describe('a Service whose cluster may not be read', { concurrency: 3 }, () => {
  for (const [what, before, after] of [
    ['an externalName that changes', externalName, externalName],
    ['a headless Service recreated with a ClusterIP', headless, clusterIP],
    ['a Service with a ClusterIP that becomes an ExternalName', clusterIP, externalName],
    ['an ExternalName that becomes a Service with a ClusterIP', externalName, clusterIP],
    ['a headless Service recreated with other pods', headless, headless],
    ['a Service recreated as a headless one', clusterIP, headless],
  ] as const) {
    test(`without rights, ${what} is followed within its time to live`, (t) => follow(t, before, after));
  }
});
