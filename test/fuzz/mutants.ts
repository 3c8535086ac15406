// Mistakes that the fuzzer has to find: texts of the code, and what to put in their place.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DISCOVERY_MUTANTS } from './mutants-discovery.ts';
import { H1_MUTANTS } from './mutants-h1.ts';
import { H2_MUTANTS } from './mutants-h2.ts';
import { HTTP_MUTANTS } from './mutants-http.ts';
import type { Protocol } from './scenario.ts';
import type { Kind } from './verdicts.ts';

/** What is played: a protocol, node:http, or name servers and clusters. */
export type Target = Protocol | 'http' | 'discovery';

export interface Mutant {
  readonly name: string;
  /** The name of a file, wherever it is below src/. */
  readonly file: string;
  /** Is there exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly protocol: Target;
  /** What must be found. */
  readonly kinds: readonly Kind[];
  /** What all scenarios have that are played with it, so that it takes no hour. */
  readonly focus: readonly string[];
  /** Scenarios that are played at once, where it is not the usual: one of them may be all that a process can bear. */
  readonly lanes?: number;
}

export const MUTANTS: readonly Mutant[] = [
  ...H1_MUTANTS,
  ...H2_MUTANTS,
  ...HTTP_MUTANTS,
  ...DISCOVERY_MUTANTS,
];

/** Where a mistake is put back. */
export interface Place {
  readonly path: string;
  /** The file with the mistake in it. */
  readonly code: string;
}

/** Finds the one place of a mistake below a folder; the reason if there is none, or more than one. */
export function placeOf(
  { file, find, replace }: Pick<Mutant, 'file' | 'find' | 'replace'>,
  folder: string,
): Place | string {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.c?ts$/.test(path),
  );
  const named = all.filter((path) => basename(path) === file);
  if (named.length === 0) return `there is no ${file}`;
  const places = named.flatMap((path) => {
    const code = readFileSync(join(folder, path), 'utf8');
    const times = code.split(find).length - 1;
    return Array.from({ length: times }, () => ({ path: join(folder, path), code }));
  });
  const [place] = places;
  if (place === undefined || places.length > 1) return `${file} has its text ${places.length} times`;
  return { path: place.path, code: place.code.replace(find, () => replace) };
}
