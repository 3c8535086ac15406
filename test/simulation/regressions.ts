import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from './scenario.ts';

const FOLDER = join(import.meta.dirname, 'regressions');

/** A scenario in which a mistake of the core was found: as data, for what a seed makes changes with what makes it. */
export interface Regression {
  /** What was wrong. */
  readonly was: string;
  readonly scenario: Scenario;
}

export const REGRESSIONS: readonly Regression[] = readdirSync(FOLDER)
  .sort()
  .map((file) => ({
    was: file.replace('.json', '').replaceAll('-', ' '),
    scenario: JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Scenario,
  }));

/** Where a scenario is kept in which something was wrong. */
export function regressionFile(was: string): string {
  return join(FOLDER, `${was.replaceAll(/[^\w]+/g, '-')}.json`);
}
