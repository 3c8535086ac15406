// Plays the core in virtual time: see README.md.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';
import { inMacrotask } from './microtasks.ts';
import { tryMutants } from './mutate.ts';
import { play } from './play.ts';
import { REGRESSIONS } from './regressions.ts';
import { report, storyOf } from './report.ts';
import type { Scenario } from './scenario.ts';
import { Shrinker } from './shrink.ts';
import { scenarioOf, themeNames } from './themes.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seconds: { type: 'string' },
    hours: { type: 'string' },
    calls: { type: 'string' },
    from: { type: 'string' },
    scenario: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    print: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    regressions: { type: 'boolean', default: false },
    digest: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});

/** Seconds for which scenarios are played where nothing else is said, and for which one is made smaller. */
const USUAL = 60;
const SHRINKS_FOR = 20;
/** So many different first seeds are drawn. */
const SEEDS = 2 ** 31;
/** Percent of the core that are to be reached. */
const LEAST_LINES = 90;
const LEAST_BRANCHES = 80;
const NEVER = Number.POSITIVE_INFINITY;

const number = (text: string | undefined, otherwise: number) =>
  text === undefined ? otherwise : Number(text);

async function run(): Promise<number> {
  if (values.scenario !== undefined && !themeNames().includes(values.scenario)) {
    console.error(`there is no scenario ${values.scenario}; there are ${themeNames().join(', ')}`);
    return 2;
  }
  if (values.mutants) return tryMutants(values.only);
  if (values.regressions) return replayAll();
  if (values.digest) return digest();
  if (values.coverage) return cover();
  if (values.seed !== undefined) return replay(scenarioOf(Number(values.seed), values.scenario));
  return search();
}

async function search(): Promise<number> {
  const isBounded = values.seeds !== undefined || values.calls !== undefined;
  const seconds =
    values.hours === undefined
      ? number(values.seconds, isBounded ? NEVER : USUAL)
      : Number(values.hours) * 3_600;
  const seed = number(values.from, Math.floor(Math.random() * SEEDS));
  console.log(`from seed ${seed}`);
  const findings = await campaign({
    seed,
    seeds: number(values.seeds, NEVER),
    calls: number(values.calls, NEVER),
    seconds,
    theme: values.scenario,
    stopsAtFirst: values.first,
  });
  console.log(report(findings));
  const [found] = findings.seeds;
  if (found === undefined) return 0;
  if (!values.first) await inMacrotask(() => explain(scenarioOf(found.seed, found.theme)));
  return 1;
}

/** Tells the story of the smallest scenario that shows the same. */
function explain(scenario: Scenario): void {
  const { violation } = play(scenario);
  if (violation === undefined) return;
  const small = new Shrinker(scenario, violation, SHRINKS_FOR).shrink();
  console.log(`\nseed ${scenario.seed} (${scenario.theme}), made smaller: ${violation.invariant}`);
  console.log(JSON.stringify(small.options));
  console.log(storyOf(small).join('\n'));
  console.log(`\nnpm run simulate -- --scenario ${scenario.theme} --seed ${scenario.seed} --trace`);
}

async function replay(scenario: Scenario): Promise<number> {
  return inMacrotask(() => {
    if (values.print) console.log(JSON.stringify(scenario, null, 2));
    const { violation, story, calls } = play(scenario, values.trace && !values.shrink ? NEVER : 0);
    if (values.shrink && violation !== undefined) explain(scenario);
    if (story.length > 0) console.log(story.join('\n'));
    console.log(
      violation === undefined
        ? `${calls} calls, and nothing is wrong`
        : `${violation.invariant}: ${violation.text} (at ${violation.at} ms)\n${violation.stack}`,
    );
    return violation === undefined ? 0 : 1;
  });
}

/** Says what stands for all that happened, to the microsecond: the same whatever runs it. */
async function digest(): Promise<number> {
  const hash = createHash('sha256');
  for (let n = 0; n < number(values.seeds, themeNames().length); n++) {
    const scenario = scenarioOf(number(values.from, 1) + n, values.scenario);
    hash.update((await inMacrotask(() => play(scenario, NEVER).story)).join('\n'));
  }
  console.log(hash.digest('hex'));
  return 0;
}

/** What scenarios reach: the core, but for what parses what name servers and the Kubernetes API say. */
const CORE = ['src/core/**', 'src/core/discovery/dns/**', 'src/core/discovery/kubernetes/**'] as const;
/** Those of node:http: its transport, but for TLS and for what takes the requests of all of Node's agents. */
const HTTP = [
  'src/transports/http/**',
  ...['global/**', '{http,https}-agent.ts', 'balanced*.ts', 'agent-options.ts'].map(
    (path) => `src/transports/http/${path}`,
  ),
  'src/transports/http/tls-sessions.ts',
] as const;

/** Says how much of the core is reached, or of what a theme is about. */
function cover(): number {
  const how = ['--test', '--test-isolation=none', '--experimental-test-coverage'];
  const [included, ...excluded] = values.scenario === 'node:http' ? HTTP : CORE;
  const what = [`--test-coverage-include=${included}`];
  for (const path of excluded) what.push(`--test-coverage-exclude=${path}`);
  const bars = [`--test-coverage-lines=${LEAST_LINES}`, `--test-coverage-branches=${LEAST_BRANCHES}`];
  const file = join(import.meta.dirname, 'coverage.ts');
  const env = { ...process.env, ...(values.scenario !== undefined && { SIMULATION_THEME: values.scenario }) };
  return spawnSync(process.execPath, [...how, ...what, ...bars, file], { stdio: 'inherit', env }).status ?? 1;
}

/** Plays what was wrong once. */
async function replayAll(): Promise<number> {
  let wrong = 0;
  for (const { was, scenario } of REGRESSIONS) {
    const { violation } = await inMacrotask(() => play(scenario));
    if (violation === undefined) continue;
    wrong++;
    console.log(`once "${was}": ${violation.invariant}: ${violation.text}`);
  }
  console.log(
    `${REGRESSIONS.length - wrong} of ${REGRESSIONS.length} scenarios in which something was wrong once are right`,
  );
  return wrong === 0 ? 0 : 1;
}

process.exit(await run());
