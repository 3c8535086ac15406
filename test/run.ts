// npm test                        the tests for while you work (*.test.ts)
// npm run test:all                all tests, those that take long (*.long.ts) included; those that fail run once more
// npm run test:all -- FILE ...    these files

import { join } from 'node:path';
import { runOnce, runTests } from './support/run-tests.ts';

const SHORT = 'test/**/*.test.ts';
const args = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
// Six on two cores: many wait for time to pass, or for another process.
const options = ['--test-timeout=120000', '--test-concurrency=6'];
const passed =
  args[0] === '--short'
    ? runOnce([...options, SHORT], root)
    : runTests([...options, ...(args.length > 0 ? args : [SHORT, 'test/**/*.long.ts'])], root);
if (!passed) process.exitCode = 1;
