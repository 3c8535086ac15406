import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Result } from './report.ts';
import type { Revision } from './revision.ts';

/** Values by their case. */
export type Findings = ReadonlyMap<string, number>;

/** Nanoseconds of CPU that a call takes in a build itself, by this bench's `call`. */
export async function ownPartOf({ folder }: Revision, concurrency: number): Promise<number> {
  const flags = ['--in', folder, '--concurrency', `${concurrency}`, '--rounds', '5', '--json'];
  const [result] = await resultsOf(join(import.meta.dirname, '../call.ts'), flags);
  return result!.value;
}

/** Nanoseconds of CPU that a choice takes with a policy of a build, among 10,000 endpoints. */
export async function pickOf({ folder }: Revision, policy: string): Promise<number> {
  const file = join(import.meta.dirname, 'picks-process.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [file, folder, policy]);
  return Number(stdout);
}

/**
 * What a bench of a revision finds out, in a process of its own: that of which less is better. The bench is that
 * revision's too, for it knows its inside.
 */
export async function findingsOf({ folder }: Revision, bench: string): Promise<Findings> {
  const results = await resultsOf(join(folder, 'bench', `${bench}.ts`), ['--json']);
  const costs = results.filter(({ bar }) => bar !== undefined && 'atMost' in bar);
  return new Map(costs.map((result) => [result.case, result.value]));
}

/** A missed bar is no failure here. */
async function resultsOf(file: string, flags: readonly string[]): Promise<Result[]> {
  const stdout = await promisify(execFile)(process.execPath, [file, ...flags]).then(
    (done) => done.stdout,
    (error: { stdout?: string }) => {
      if (error.stdout) return error.stdout;
      throw error;
    },
  );
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Result);
}
