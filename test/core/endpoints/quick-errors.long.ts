import { describe, test } from 'node:test';
import { err } from './erring-pod.ts';

describe('a pod that errs at once', { concurrency: 3 }, () => {
  for (const [policy, status] of [
    ['peak-ewma', 429],
    ['least-request', 404],
    ['peak-ewma', 404],
  ] as const) {
    test(`with ${policy}, a pod that answers ${status} at once gets its share and no more`, (t) =>
      err(t, policy, status));
  }
});
