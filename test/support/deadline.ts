// Loaded before each test file where there is a deadline: see run-tests.ts. A long file that would begin after it ends at
// once, and is noted down. What is noted down is left out when failures run once more, too.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const { TEST_DEADLINE: deadline, TEST_LEFT_OUT: notes } = process.env;
const [, main = ''] = process.argv;

if (notes !== undefined && main.endsWith('.long.ts')) {
  const file = relative(process.cwd(), main);
  const isLate = deadline !== undefined && Date.now() > Number(deadline);
  if (isLate) appendFileSync(notes, `${file}\n`);
  if (isLate || (existsSync(notes) && readFileSync(notes, 'utf8').split('\n').includes(file))) process.exit();
}
