import { describe } from 'node:test';
import { testEnd } from './ending.ts';

describe('a process ends by itself', { concurrency: true }, () => {
  testEnd('closed');
  testEnd('unused');
});
