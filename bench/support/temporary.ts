import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';

/** A directory that goes when the process does. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  atExit(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
