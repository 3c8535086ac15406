// npm test                        the tests for while you work (*.test.ts), some files to a process: see support/groups.ts
// npm run test:all                all tests, those that take long (*.long.ts) included, each file in its own process; those that
//                                 fail run once more
// npm run test:all -- FILE ...    these files
// npm run test:all -- --seconds N no long file begins after that time

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { groupsOf } from './support/groups.ts';
import { runOnce, runTests } from './support/run-tests.ts';

const SHORT = 'test/**/*.test.ts';
const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean' }, seconds: { type: 'string' } },
  allowPositionals: true,
});
const root = join(import.meta.dirname, '..');
const files = positionals.length > 0 ? positionals : [SHORT, 'test/**/*.long.ts'];
// Six on two cores: many wait for time to pass, or for another process.
const options = ['--test-concurrency=6'];
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
const passed = values.short
  ? // The limit holds for a group as a whole too.
    runOnce(['--test-timeout=300000', ...options, ...groupsOf(SHORT, root)], root)
  : runTests(['--test-timeout=120000', ...options, ...files], root, seconds);
if (!passed) process.exitCode = 1;
