// Plants mistakes in the core, one at a time, and has the simulation look for each in a process of its own.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MUTANTS, type Mutant } from './mutants.ts';

/** Seconds for each mistake. */
const LIMIT = 60;

interface Tried {
  readonly mutant: Mutant;
  readonly found: boolean;
  readonly seconds: number;
  readonly told: string;
}

/** Tries all whose name contains `only`. Resolves with the exit code. */
export async function tryMutants(only: string | undefined): Promise<number> {
  const left = MUTANTS.filter(({ name }) => only === undefined || name.includes(only));
  const tried: Tried[] = [];
  const count = left.length;
  const lane = async () => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const result = await tryOne(mutant);
      tried.push(result);
      const verdict = result.found ? 'found ' : 'MISSED';
      console.log(
        `${`${tried.length}/${count}`.padStart(6)} ${verdict} ${result.seconds.toFixed(1).padStart(5)} s  ${mutant.name} | ${result.told}`,
      );
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  const missed = tried.filter(({ found }) => !found);
  const seconds = tried.map((result) => result.seconds).sort((a, b) => a - b);
  const median = seconds[seconds.length >> 1] ?? 0;
  console.log(
    `${count - missed.length} of ${count} mistakes found, half of them in ${median.toFixed(1)} s, the slowest in ${(seconds.at(-1) ?? 0).toFixed(1)} s`,
  );
  for (const { mutant } of missed) console.log(`  MISSED: ${mutant.name}`);
  return missed.length === 0 && count > 0 ? 0 : 1;
}

async function tryOne(mutant: Mutant): Promise<Tried> {
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'mutant.ts'), mutant.name, String(LIMIT)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    },
  );
  // One that goes round in circles within a single callback is found by that.
  let isStuck = false;
  const end = setTimeout(
    () => {
      isStuck = true;
      child.kill('SIGKILL');
    },
    (LIMIT + 10) * 1_000,
  );
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  clearTimeout(end);
  const [told = ''] = /^seed \d.*/m.exec(said) ?? [];
  return {
    mutant,
    found: code === 1 && told !== '' && !isStuck,
    seconds: (performance.now() - startedAt) / 1_000,
    told: told || said.slice(0, 300),
  };
}
