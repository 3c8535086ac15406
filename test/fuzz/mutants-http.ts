// Mistakes that the fuzzer has to find by node:http: each is put back for one run.
import type { Mutant } from './mutants.ts';

export const HTTP_MUTANTS: readonly Mutant[] = [
  {
    name: 'node:http: a POST that was written is sent again',
    file: 'failures.ts',
    find: 'isIdempotent(request.method) ||',
    replace: 'isIdempotent(request.method) || true ||',
    protocol: 'http',
    kinds: ['twice'],
    focus: ['breaks'],
  },
  {
    name: 'node:http: a request is sent again whose response has begun',
    file: 'http-call.ts',
    find: 'if (this.answering || this.isEndedByCaller',
    replace: 'if (this.isEndedByCaller',
    protocol: 'http',
    kinds: ['twice', 'changed', 'order', 'settled twice', 'fails otherwise', 'unserved', 'unsettled'],
    focus: ['breaks'],
  },
  {
    name: 'node:http: maxSockets limits nothing',
    file: 'bucket.ts',
    find: 'this.#taken < this.#agent.maxSockets && ',
    replace: '',
    protocol: 'http',
    kinds: ['caps'],
    focus: ['connections', '-breaks', '-acts'],
  },
];
