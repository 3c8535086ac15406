// Finds what no test was told to look for: see README.md.
import { parseArgs } from 'node:util';
import { Campaign } from './campaign.ts';
import { fuzzDiscovery } from './discovery-campaign.ts';
import { tryMutants } from './mutate.ts';
import type { Protocol, Transport } from './scenario.ts';
import type { Kind } from './verdicts.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    seconds: { type: 'string' },
    requests: { type: 'string' },
    seeds: { type: 'string' },
    protocol: { type: 'string' },
    transport: { type: 'string' },
    parallel: { type: 'string', default: '12' },
    trace: { type: 'boolean', default: false },
    print: { type: 'boolean', default: false },
    races: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    discovery: { type: 'boolean', default: false },
    only: { type: 'string' },
    focus: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    replay: { type: 'string' },
    call: { type: 'string' },
  },
});

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));

async function run(): Promise<number> {
  if (values.mutants) return tryMutants(values.only);
  if (values.discovery) {
    return fuzzDiscovery({
      seed: number(values.seed),
      from: number(values.from),
      seconds: number(values.seconds),
      seeds: number(values.seeds),
      focus: (values.focus ?? '').split(',').filter(Boolean),
      kinds: values.only?.split(','),
      parallel: Number(values.parallel),
      print: values.print,
      stopsAtFirst: values.first,
    });
  }
  return new Campaign({
    seed: number(values.seed),
    from: number(values.from),
    seconds: number(values.seconds),
    requests: number(values.requests),
    seeds: number(values.seeds),
    protocol: values.protocol as Protocol | undefined,
    transport: values.transport as Transport | undefined,
    kinds: values.only?.split(',') as Kind[] | undefined,
    focus: (values.focus ?? '').split(',').filter(Boolean),
    parallel: Number(values.parallel),
    trace: values.trace,
    print: values.print,
    tellsRaces: values.races,
    stopsAtFirst: values.first,
    shrinks: values.shrink,
    replay: values.replay,
    call: number(values.call),
  }).run();
}

// What hangs in undici or Node holds nobody up.
process.exit(await run());
