// What is told otherwise by a balanced agent than by Node's own. The table in docs/node-http.md has a row for each.
import type { Told } from './stage.ts';

interface Difference {
  /** The words of the table. */
  readonly what: string;
  /** Makes what was told the same for both. */
  readonly level: (told: Told, whose: 'stock' | 'ours') => Told;
  /** Scenarios that it is about; all, if there are none. */
  readonly scenarios?: readonly string[];
}

export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'events that end a request come in the async context of that request',
    level: ({ entries, seen }, whose) => ({
      entries: whose === 'stock' ? entries.map(inOwnContext) : entries,
      seen,
    }),
  },
  {
    what: 'a socket is connected when a request gets it',
    level: ({ entries, seen }) => ({
      entries: without(entries, /^socket \d+ '(lookup|connect|secureConnect|ready)'/).map((entry) =>
        entry.replace('"authorized":false', '"authorized":true'),
      ),
      seen,
    }),
  },
  {
    what: 'a request gets its socket a moment later',
    // First what the caller does meanwhile, then the rest, each in its order.
    level: ({ entries, seen }) => ({
      entries: first(entries, /^write: |^writes: |'unpipe'|'finish'|'abort'|AFTER_END/).map((entry) =>
        // In whose name a write is done, depends on the moment.
        entry.replace(/(?<='(unpipe|drain)' .* for )\w+$/, 'anybody'),
      ),
      seen,
    }),
    scenarios: [
      'an upload from a stream',
      'writes after the end',
      'writes after destroy',
      'abort() at once',
      'headers that are set with the socket, while a body is piped',
      'headers that are set with the socket, and writes in the next tick',
      'a write with the socket, between one before and those that are piped',
      'more than the request takes, with a listener for its socket',
      'writes that can’t be made',
    ],
  },
  {
    what: 'a request that you destroy before it has a socket closes at once',
    level: ({ entries, seen }) => ({
      entries: without(entries, OF_SOCKETS)
        .map((entry) => entry.replace(/(?<= for )\w+$/, 'anybody'))
        .map(ofAnySocket),
      seen: seen.slice(0, entries.some((entry) => entry.startsWith('a response')) ? 1 : 0),
    }),
    scenarios: [
      'destroy at once',
      'a strict Content-Length that is not kept',
      'destroy at once, with an error',
      'destroy before the end of the request',
      'destroy in the next tick',
      'abort() at once',
      'a signal that has fired before',
      'a signal at once',
      'writes after destroy',
      'destroy while another has the only socket',
      'a signal while another has the only socket',
    ],
  },
  {
    what: 'a request whose connection can’t be made has no socket',
    level: ({ entries, seen }) => ({ entries: without(entries, OF_SOCKETS).map(ofAnySocket), seen }),
    scenarios: ['nobody listens', 'writes whose connection can’t be made'],
  },
  {
    what: 'a request uses the connection that is ready first',
    level: ({ entries, seen }) => ({
      entries: entries.map(ofAnySocket),
      seen: seen.map((request) => ({ ...request, connection: 0 })),
    }),
    scenarios: [
      'three at a time',
      'one socket at most',
      'a limit over all hosts',
      'options.timeout while another has the only socket',
    ],
  },
  {
    what: '`agent.freeSockets` is empty',
    level: ({ entries, seen }) => ({
      entries: entries.map((entry) => entry.replace(/\d free/, 'any free')),
      seen,
    }),
    scenarios: ['the maps of the agent'],
  },
  {
    what: "an idle socket that the server ends emits `'end'`",
    level: ({ entries, seen }) => ({ entries: without(entries, /^socket \d+ 'end'/), seen }),
    scenarios: [
      'a server that ends idle connections',
      'a server that ends after the response, without a word',
    ],
  },
  {
    what: 'after `install()`, idle connections outlive the agent that had them',
    level: ({ entries, seen }) => ({ entries: without(entries, /^socket \d+ 'close'/), seen }),
    scenarios: ['an agent that is destroyed while a connection idles'],
  },
];

/** Whether somebody else had its socket before is left out, and whether that one took its writes. */
function ofAnySocket(entry: string): string {
  return entry.replace(/(?<="(reusedSocket|writableFinished)":)\w+/g, 'any');
}

/** Over TLS, Node's agents have it come in the context of whoever made the connection, and so do timeouts of an agent. */
function inOwnContext(entry: string): string {
  const [, own, context] = /^(\w) .* for (\w+)$/.exec(entry) ?? [];
  return own === undefined || context === 'nobody' ? entry : entry.replace(/\w+$/, own);
}

/** What is told of sockets, and of what Node.js 22 says is written when it is not. */
const OF_SOCKETS = /^socket \d+ |^\w 'socket'|^\w has|^\w 'finish'/;

/** What is to be compared of what was told, by an agent of Node's own (`stock`) or another way. */
export function linesOf(scenario: string, told: Told, way: string): string[] {
  const whose = way === 'stock' ? way : 'ours';
  const about = DIFFERENCES.filter(({ scenarios }) => scenarios?.includes(scenario) ?? true);
  const { entries, seen } = byParty(about.reduce((left, { level }) => level(left, whose), told));
  return [...entries, ...seen.map((request) => JSON.stringify(request))];
}

/** Each request by itself, and each socket where there are several of them: which of them is first depends on the moment. */
function byParty({ entries, seen }: Told): Told {
  // In whose name a write is done depends on whether its socket was connected.
  const told = entries.map((entry) => entry.replace(/(?<='finish' {2}for )\w+$/, 'anybody'));
  const parties = Map.groupBy(told, (entry) => /^(?:socket \d+|\w(?= ))/.exec(entry)?.[0] ?? '');
  const isAlone = !parties.has('b');
  return {
    entries: isAlone ? told : [...parties.keys()].toSorted().flatMap((party) => parties.get(party)!),
    seen,
  };
}

function without(entries: readonly string[], unsaid: RegExp): string[] {
  return entries.filter((entry) => !unsaid.test(entry));
}

function first(entries: readonly string[], wanted: RegExp): string[] {
  return entries.toSorted((one, other) => Number(wanted.test(other)) - Number(wanted.test(one)));
}
