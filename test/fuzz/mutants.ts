// Mistakes that the fuzzer has to find: each is put back for one run.

import type { Protocol } from './scenario.ts';
import type { Kind } from './verdicts.ts';

export interface Mutant {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Is there exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly protocol: Protocol;
  /** What must be found. */
  readonly kinds: readonly Kind[];
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a key without a value makes a POST repeatable',
    file: 'retry/repeatable.ts',
    find: 'if (KEY.test(headers[n] as string) && isSaid(headers[n + 1])) return true;',
    replace: 'if (KEY.test(headers[n] as string)) return true;',
    protocol: 'h1',
    kinds: ['twice'],
  },
  {
    name: 'any method is repeated',
    file: 'retry/repeatable.ts',
    find: 'return idempotent ?? (IDEMPOTENT.has(method) || hasKey(headers));',
    replace: 'return true;',
    protocol: 'h1',
    kinds: ['twice'],
  },
  {
    name: 'a request is repeated as often as attempts allow',
    file: 'retry/retries.ts',
    find: 'if (unsafe && (attempts.unsafe > 0 || exchange.upgrades',
    replace: 'if (unsafe && (exchange.upgrades',
    protocol: 'h1',
    kinds: ['twice'],
  },
  {
    name: 'nothing is repeated',
    file: 'retry/retries.ts',
    find: 'if (settings === false || !settings.reasons.includes(reason)) return false;',
    replace: 'return false;',
    protocol: 'h1',
    kinds: ['not retried'],
  },
  {
    name: 'a connection takes one request more than it may',
    file: 'connection/connection.ts',
    find: "if (this.requests === maxRequests) this.retire('max-requests');",
    replace: "if (this.requests === maxRequests + 1) this.retire('max-requests');",
    protocol: 'h1',
    kinds: ['caps'],
  },
  {
    name: 'a queued request is never dialled for',
    file: 'queue/queue.ts',
    find: 'if (line === this.#waiting) this.dial();',
    replace: '',
    protocol: 'h1',
    kinds: ['unserved', 'unsettled', 'close'],
  },
  {
    name: 'who gives up in the queue keeps a place there',
    file: 'queue/queue.ts',
    find: 'this.#waiting.remove(exchange);\n',
    replace: '\n',
    protocol: 'h1',
    kinds: ['settled twice', 'order', 'counts', 'caller', 'uncaught', 'twice', 'close', 'unsettled'],
  },
];
