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
  {
    name: 'node:http: what has waited is written at once, though nobody knows whether connections are kept',
    file: 'reuse.ts',
    find: 'return repeatable || lasting;',
    replace: 'return true;',
    protocol: 'http',
    kinds: ['unserved'],
    focus: ['unkept'],
  },
  {
    name: 'node:http: a server is not believed that says how long it keeps a connection',
    file: 'idle-time.ts',
    find: '    this.#kept = kept;\n    const limit = keepAliveOf(hint, this.#usual, kept, buffer);',
    replace: '    this.#kept = kept;\n    const limit = keepAliveOf(undefined, this.#usual, kept, buffer);',
    protocol: 'http',
    kinds: ['kept'],
    focus: ['keepAlive', '-acts'],
  },
  {
    name: 'node:http: abort() of a request that waits ends it without an error',
    file: 'failures.ts',
    find: 'return aborted ? hangUp() : undefined;',
    replace: 'return undefined;',
    protocol: 'http',
    kinds: ['caller'],
    focus: ['acts', '-connections'],
  },
];
