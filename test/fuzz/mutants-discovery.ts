// Mistakes that scenarios of name servers and of clusters have to find: each is put back for one run.
import type { Mutant } from './mutate.ts';

export const DISCOVERY_MUTANTS: readonly Mutant[] = [
  {
    name: 'slices of a Service that was replaced are used',
    file: 'core/discovery/kubernetes/fit.ts',
    find: 'return slices.filter(({ owner }) => owner === undefined || owner === uid);',
    replace: 'return slices;',
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
  },
  {
    name: 'an alias that comes is not noticed',
    file: 'core/discovery/kubernetes/service-follower.ts',
    find: "listener.onService(type === 'DELETED' ? 'absent' : serviceIn(object));",
    replace: "if (type === 'DELETED') listener.onService('absent');",
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
  },
  {
    name: 'a passing refusal ends what is known of a Service',
    file: 'core/discovery/kubernetes/contact.ts',
    find: 'return !this.#wasMade || this.#clock.now()',
    replace: 'return this.#wasMade || this.#clock.now()',
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
  },
  {
    name: 'pods that have left are kept',
    file: 'core/connections/departures.ts',
    find: "      else this.#drain(endpoint, 'endpoint-removed');\n",
    replace: '',
    protocol: 'discovery',
    kinds: ['unserved', 'left behind'],
  },
];
