// Puts mistakes back, one at a time, into a copy of the code, and has the fuzzer look for them there. Then it looks for
// the same in the code as it is, in scenarios of the same kinds, where nothing may be found.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MUTANTS, type Mutant, placeOf, type Target } from './mutants.ts';
import type { Kind } from './verdicts.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Seconds for each mistake, from the start of a process to its end. */
const LIMIT = 60;
/** Seconds, at least, for which the code as it is has to be without findings: as long as a mistake took, if that is more. */
const LEAST_CONTROL = 10;
/** Seconds after its time for a process to come to its end. */
const SLACK = 60;
/** Scenarios that each process plays at once: few, so that what is found first is known soon. */
const LANES = 4;
/**
 * KiB of addresses that one may have: Node takes all memory of a machine when a stream of HTTP/2 goes wrong. Threads of
 * discovery, where there is no HTTP/2, need more.
 */
const MEMORY = 20_000_000;

/** How what is no protocol is chosen. */
const WHAT: Partial<Record<Target, readonly string[]>> = {
  discovery: ['--discovery'],
  http: ['--transport', 'http'],
};

/** Scenarios of one kind, and what is looked for in them. */
interface Search {
  readonly target: Target;
  readonly focus: readonly string[];
  readonly kinds: readonly Kind[];
  readonly lanes: number;
  readonly seconds: number;
}

interface Found {
  /** Something was found. */
  readonly found: boolean;
  /** It ended well, and without anything. */
  readonly quiet: boolean;
  /** The code can't be run: that is found as any mistake is, and proves nothing. */
  readonly broken: boolean;
  readonly seconds: number;
  /** What was found; '' for nothing. */
  readonly told: string;
}

/** One mistake, or the code as it is in scenarios of one kind. */
interface Row {
  readonly name: string;
  readonly target: Target;
  readonly right: boolean;
  readonly verdict: string;
  readonly seconds: number;
  readonly told: string;
}

/** Tries all mutants whose name contains `only`. Resolves with the exit code. */
export async function tryMutants(only: string | undefined, root = ROOT): Promise<number> {
  const started = performance.now();
  const mutants = MUTANTS.filter(({ name }) => only === undefined || name.includes(only));
  const found = await inParallel(mutants, (mutant) => tryOne(mutant, root));
  const controls = await inParallel([...groups(found).values()], (group) => control(group, root));
  const rows = found.map(([, row]) => row);
  const missed = rows.filter(({ right }) => !right);
  const loud = controls.filter(([, { right }]) => !right);
  const slowest = Math.max(0, ...rows.map(({ seconds }) => seconds));
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(
    `${rows.length - missed.length} of ${rows.length} mistakes found, the slowest in ${slowest} s; ` +
      `without them ${controls.length - loud.length} of ${controls.length} searches found nothing; ${seconds} s`,
  );
  for (const { name, verdict } of [...missed, ...loud.map(([, row]) => row)])
    console.log(`  ${verdict}: ${name}`);
  return missed.length + loud.length > 0 || rows.length === 0 ? 1 : 0;
}

/** Does something with each of `items`, as many at once as there are processors, and prints a row for each. */
async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<Row>): Promise<[T, Row][]> {
  const left = [...items];
  const done: [T, Row][] = [];
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const row = await act(item);
      done.push([item, row]);
      const { verdict, seconds, target, name, told } = row;
      const place = `${done.length}/${items.length}`.padStart(6);
      console.log(
        `${place} ${verdict.padEnd(8)} ${String(seconds).padStart(3)} s  ${target.padEnd(9)}  ${name}${told && ` | ${told}`}`,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane));
  return done;
}

async function tryOne(mutant: Mutant, root: string): Promise<Row> {
  const { name, protocol: target, focus, kinds, lanes = LANES } = mutant;
  const place = placeOf(mutant, join(root, 'src'));
  if (typeof place === 'string')
    return { name, target, right: false, verdict: 'NOWHERE', seconds: 0, told: place };
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-mutant-'));
  try {
    for (const part of ['src', 'test', 'package.json']) {
      cpSync(join(part === 'src' ? root : ROOT, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(place.path.replace(root, folder), place.code);
    const { found, broken, seconds, told } = await search(
      folder,
      { target, focus, kinds, lanes, seconds: LIMIT },
      LIMIT,
    );
    const right = found && !broken && seconds <= LIMIT;
    const verdict = broken ? 'BROKEN' : right ? 'found' : 'MISSED';
    return { name, target, right, verdict, seconds, told };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The searches in which mistakes were looked for, each once. */
function groups(found: readonly (readonly [Mutant, Row])[]): Map<string, Search> {
  const searches = new Map<string, Search>();
  for (const [{ protocol: target, focus, kinds, lanes = LANES }, { seconds }] of found) {
    const key = [target, ...focus].join();
    const before = searches.get(key);
    searches.set(key, {
      target,
      focus,
      lanes,
      kinds: [...new Set([...(before?.kinds ?? []), ...kinds])],
      seconds: Math.max(before?.seconds ?? LEAST_CONTROL, seconds),
    });
  }
  return searches;
}

async function control(what: Search, root: string): Promise<Row> {
  const { target, focus } = what;
  const { quiet: right, seconds, told } = await search(root, what, what.seconds + SLACK);
  const name = `the code as it is: ${focus.join() || 'anything'}`;
  return { name, target, right, verdict: right ? 'nothing' : 'NOISE', seconds, told };
}

/** Fuzzes the code in a folder until something is found, in a process of its own. */
async function search(
  folder: string,
  { target, focus, kinds, lanes, seconds }: Search,
  limit: number,
): Promise<Found> {
  const started = performance.now();
  const what = WHAT[target] ?? ['--protocol', target];
  const how = ['--first', '--parallel', String(lanes), '--seconds', String(seconds)];
  const args = [...how, ...what, `--focus=${focus.join()}`, `--only=${kinds.join()}`];
  const command = `ulimit -v ${target === 'discovery' ? 'unlimited' : MEMORY}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, 'test/fuzz/run.ts', ...args], {
    cwd: folder,
    // Scenarios bring about all that is warned of.
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = setTimeout(() => child.kill('SIGKILL'), limit * 1_000);
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  clearTimeout(end);
  const [told = ''] = /^(seed \d.*|uncaught.*|FOUND.*)/m.exec(said) ?? [];
  return {
    found: code === 1 && told !== '',
    quiet: code === 0,
    broken:
      /ReferenceError|SyntaxError|is not (defined|a function)/.test(said) || (code === 1 && told === ''),
    seconds: Math.round((performance.now() - started) / 1_000),
    told,
  };
}
