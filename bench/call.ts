// What does a call cost in evenkeel itself?
//
// npm run bench -- call [--of REV | --in FOLDER] [--concurrency N] [--rounds N]
//
// From `dispatch` to the end of the response, without what undici and Node do for it: undici's Clients do nothing with
// what they are given, and it is answered at once. What the bench itself takes, and the handler of the caller, is
// measured beside it and taken off. This is much less noisy than sockets, and finds what a hundredth of a request costs.
// --in takes a folder in which there is a build already. `versus` has two of them take turns.

import { parseArgs } from 'node:util';
import { quietClients, type Run, runBare, runnerFor } from './support/quiet-clients.ts';
import { progress, report } from './support/report.ts';
import { build, builtIn } from './support/revision.ts';
import { interleave } from './support/rounds.ts';
import { spread } from './support/statistics.ts';

const CALLS = 100_000;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    of: { type: 'string' },
    in: { type: 'string' },
    concurrency: { type: 'string' },
    rounds: { type: 'string', default: '15' },
  },
});
const concurrencies = args.concurrency === undefined ? [1, 100] : [Number(args.concurrency)];

if (args.in === undefined) progress(`call: building ${args.of ?? 'this'}`);
const revision = args.in === undefined ? await build(args.of) : await builtIn(args.in, args.in);
const run = await runnerFor(revision, Math.max(...concurrencies));
quietClients();
for (const concurrency of concurrencies) {
  const contestant = (name: string, of: Run) => ({ name, turn: () => of(CALLS, concurrency) });
  const title = `a call, concurrency ${concurrency}`;
  const [ours, bare] = await interleave([contestant('ours', run), contestant('bare', runBare)], {
    title: `call: ${title}`,
    rounds: Number(args.rounds),
    warmUp: 4,
    turns: 1,
  });
  const nanoseconds = ours!.map(({ cpu }, n) => ((cpu - bare![n]!.cpu) * 1e6) / CALLS);
  const { median, low, high } = spread(nanoseconds);
  report({
    bench: 'call',
    case: title,
    value: median,
    text: `${median.toFixed(0)} ns of CPU (${low.toFixed(0)}–${high.toFixed(0)})`,
    detail: { of: revision.name, nanoseconds },
  });
}
process.exit();
