// Mistakes that the fuzzer has to find over HTTP/2: each is put back for one run.
import type { Mutant } from './mutate.ts';

export const H2_MUTANTS: readonly Mutant[] = [];
