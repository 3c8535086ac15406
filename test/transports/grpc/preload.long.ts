import { describe } from 'node:test';
import { IMPORT, REQUIRE, testBalanced, testLeft } from './preloading.ts';

describe('with the preload', { concurrency: 2 }, () => {
  testBalanced(IMPORT, 'grpc-requires.cjs');
  testBalanced(REQUIRE, 'grpc-imports.mjs');
  testLeft('EVENKEEL_DISABLED', '1');
  testLeft('EVENKEEL_MODE', 'observe');
});
