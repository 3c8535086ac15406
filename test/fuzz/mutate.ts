// Puts mistakes back, one at a time, into a copy of the code, and has the fuzzer look for them there.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DISCOVERY_MUTANTS } from './mutants-discovery.ts';
import { H1_MUTANTS } from './mutants-h1.ts';
import { H2_MUTANTS } from './mutants-h2.ts';
import type { Protocol } from './scenario.ts';
import type { Kind } from './verdicts.ts';

/** What is played: a protocol, or name servers and clusters. */
export type Target = Protocol | 'discovery';

export interface Mutant {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Is there exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly protocol: Target;
  /** What must be found. */
  readonly kinds: readonly Kind[];
  /** What all scenarios have that are played with it, so that it takes no hour. */
  readonly focus?: readonly string[];
}

const ROOT = resolve(import.meta.dirname, '../..');

/** Seconds for each. */
const LIMIT = 60;
/** Mutants tried at once. */
const PARALLEL = 2;
/** Scenarios that each plays at once: few, so that what is found first is known soon. */
const LANES = 4;
/** KiB of addresses that one may have: Node takes all memory of a machine when a stream of HTTP/2 goes wrong. */
const MEMORY = 20_000_000;

/**
 * Tries all mutants whose name contains `only`, and the code as it is, in which none of what they show may be found.
 * Resolves with the exit code.
 */
export async function tryMutants(only: string | undefined, root = ROOT): Promise<number> {
  const mutants = [...H1_MUTANTS, ...H2_MUTANTS, ...DISCOVERY_MUTANTS].filter(
    ({ name }) => only === undefined || name.includes(only),
  );
  const jobs: (Mutant | Target)[] = [...new Set(mutants.map(({ protocol }) => protocol)), ...mutants];
  const started = performance.now();
  let wrong = 0;
  let tried = 0;
  const lane = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const { verdict, right } =
        typeof job === 'string' ? await control(job, mutants, root) : await tryOne(job, root);
      if (!right) wrong++;
      if (typeof job !== 'string') tried++;
      console.log(verdict);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(`${tried} mutants in ${seconds} s, ${wrong} not as they should be`);
  return wrong > 0 || tried === 0 ? 1 : 0;
}

interface Tried {
  readonly verdict: string;
  readonly right: boolean;
}

/** What mutants show is not there without them. */
async function control(protocol: Target, mutants: readonly Mutant[], root: string): Promise<Tried> {
  const kinds = new Set(
    mutants.filter((mutant) => mutant.protocol === protocol).flatMap((mutant) => mutant.kinds),
  );
  const { found, seconds, told } = await fuzz(root, protocol, [...kinds]);
  const verdict = found ? `FOUND WITHOUT A MISTAKE: ${told}` : 'nothing found';
  return { verdict: `${verdict} after ${seconds} s: the code as it is, ${protocol}`, right: !found };
}

async function tryOne(mutant: Mutant, root: string): Promise<Tried> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-mutant-'));
  try {
    for (const part of ['src', 'test/fuzz', 'test/support', 'test/core/discovery', 'package.json']) {
      cpSync(join(part === 'src' ? root : ROOT, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const file = join(folder, 'src', mutant.file);
    const code = readFileSync(file, 'utf8');
    const places = code.split(mutant.find).length - 1;
    if (places !== 1)
      return {
        verdict: `NOT APPLICABLE: ${mutant.name} (${mutant.file} has ${places} such places)`,
        right: false,
      };
    writeFileSync(
      file,
      code.replace(mutant.find, () => mutant.replace),
    );
    const { found, seconds, told } = await fuzz(folder, mutant.protocol, mutant.kinds, mutant.focus);
    const verdict = `${found ? 'found' : 'MISSED'} after ${seconds} s: ${mutant.name}${found ? ` (${told})` : ''}`;
    return { verdict, right: found };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Fuzzes the code in a folder until something is found, in a process of its own. */
async function fuzz(
  folder: string,
  protocol: Target,
  kinds: readonly Kind[],
  focus: readonly string[] = [],
): Promise<{ found: boolean; seconds: number; told: string }> {
  const started = performance.now();
  const what = ['--seconds', String(LIMIT), '--protocol', protocol, '--only', kinds.join()];
  if (protocol === 'discovery') what.splice(2, 4, '--discovery');
  const args = ['--first', '--parallel', String(LANES), '--focus', focus.join(), ...what];
  const command = `ulimit -v ${MEMORY}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, 'test/fuzz/run.ts', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise((done) => child.once('close', done));
  const [told = ''] = /^(seed \d.*|uncaught.*|FOUND.*)/m.exec(said) ?? [];
  return {
    found: code === 1 && told !== '',
    seconds: Math.round((performance.now() - started) / 1_000),
    told,
  };
}
