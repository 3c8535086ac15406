import { describe } from 'node:test';
import { IMPORT, REQUIRE, testBalanced, testLeft } from './preloading.ts';

describe('with the preload', { concurrency: 2 }, () => {
  testBalanced(IMPORT, 'grpc-imports.mjs');
  testBalanced(REQUIRE, 'grpc-requires.cjs');
  testLeft('EVENKEEL_GRPC', 'false');
});
