import { describe } from 'node:test';
import { testOutages } from './outages.ts';

describe('however long name servers fail, requests are served soon after', { concurrency: true }, () => {
  for (const seconds of [5, 20, 60]) testOutages(seconds * 1_000);
});
