// Puts mistakes back, one at a time, into a copy of the code, and has the fuzzer look for them there.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MUTANTS, type Mutant } from './mutants.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Seconds for each. */
const LIMIT = 60;

/** Tries all mutants whose name contains `only`. Resolves with the exit code. */
export async function tryMutants(only: string | undefined, root = ROOT): Promise<number> {
  let missed = 0;
  for (const mutant of MUTANTS) {
    if (only !== undefined && !mutant.name.includes(only)) continue;
    const started = performance.now();
    const verdict = await tryOne(mutant, root);
    if (verdict !== 'found') missed++;
    console.log(`${verdict} after ${Math.round((performance.now() - started) / 1_000)} s: ${mutant.name}`);
  }
  return missed > 0 ? 1 : 0;
}

async function tryOne(mutant: Mutant, root: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-mutant-'));
  try {
    for (const part of ['src', 'test/fuzz', 'test/support', 'package.json']) {
      cpSync(join(part === 'src' ? root : ROOT, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const file = join(folder, 'src', mutant.file);
    const code = readFileSync(file, 'utf8');
    const places = code.split(mutant.find).length - 1;
    if (places !== 1)
      return `NOT APPLICABLE: ${mutant.file} has ${places} places with ${JSON.stringify(mutant.find)}`;
    writeFileSync(
      file,
      code.replace(mutant.find, () => mutant.replace),
    );
    return (await fuzz(folder, mutant)) ? 'found' : 'MISSED';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fuzz(folder: string, { protocol, kinds }: Mutant): Promise<boolean> {
  const args = [
    'test/fuzz/run.ts',
    '--first',
    '--seconds',
    String(LIMIT),
    '--protocol',
    protocol,
    '--only',
    kinds.join(),
  ];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((done) =>
    child.once('close', (code) => done(code === 1 && /^(seed \d|uncaught)/m.test(said))),
  );
}
