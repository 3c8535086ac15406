// Mistakes that scenarios of name servers and of clusters have to find: each is put back for one run.
import type { Mutant } from './mutants.ts';

export const DISCOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'slices of a Service that was replaced are used',
    file: 'fit.ts',
    find: 'return slices.filter(({ owner }) => owner === undefined || owner === uid);',
    replace: 'return slices;',
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
    focus: [],
  },
  {
    name: 'an alias that comes is not noticed',
    file: 'service-follower.ts',
    find: "listener.onService(type === 'DELETED' ? 'absent' : serviceIn(object));",
    replace: "if (type === 'DELETED') listener.onService('absent');",
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
    focus: [],
  },
  {
    name: 'a passing refusal ends what is known of a Service',
    file: 'contact.ts',
    find: 'return !this.#wasMade || this.#clock.now()',
    replace: 'return this.#wasMade || this.#clock.now()',
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
    focus: [],
  },
  {
    name: 'pods that have left are kept',
    file: 'departures.ts',
    find: "      else this.#drain(endpoint, 'endpoint-removed');\n",
    replace: '',
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
    focus: [],
  },
];
