// npm run test:all                all tests, those that take long (*.long.ts) included
// npm run test:all -- FILE ...    these files

import { join } from 'node:path';
import { runTests } from './support/run-tests.ts';

const files = process.argv.slice(2);
const options = [
  '--import',
  './test/support/compile-cache.ts',
  '--test-concurrency=4',
  '--test-timeout=120000',
];
const all = ['test/**/*.test.ts', 'test/**/*.long.ts'];
const passed = runTests([...options, ...(files.length > 0 ? files : all)], join(import.meta.dirname, '..'));
if (!passed) process.exitCode = 1;
