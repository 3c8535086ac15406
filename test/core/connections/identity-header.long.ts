import { describe } from 'node:test';
import { testEvenness } from './identity-header.ts';

describe('identityHeader', { concurrency: 4 }, () => {
  testEvenness('h1', 1, 'named');
  testEvenness('h1', 1, 'unnamed');
  testEvenness('h1', 1, 503);
  testEvenness('h1', 20, 'named');
  testEvenness('h1', 20, 'unnamed');
  testEvenness('h1', 20, 503);
  testEvenness('h2', 1, 'named');
  testEvenness('h2', 1, 'unnamed');
  testEvenness('h2', 1, 503);
  testEvenness('h2', 20, 'named');
  testEvenness('h2', 20, 'unnamed');
  testEvenness('h2', 20, 503);
});
