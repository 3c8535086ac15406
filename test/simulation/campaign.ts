import { inMacrotask } from './microtasks.ts';
import { play } from './play.ts';
import { type Findings, report } from './report.ts';
import { scenarioOf } from './themes.ts';

export interface CampaignOptions {
  /** The first one; those that follow are one more each. */
  readonly seed: number;
  /** So many scenarios, or as many as these seconds and these calls take. */
  readonly seeds: number;
  readonly seconds: number;
  readonly calls: number;
  readonly theme: string | undefined;
  readonly stopsAtFirst: boolean;
}

/** Milliseconds of playing after which others have a turn, and from one line of progress to the next. */
const TURN = 50;
const PROGRESS = 10_000;

/** Plays scenarios one after the other. Resolves with those in which something was wrong. */
export async function campaign(options: CampaignOptions): Promise<Findings> {
  const { seed, seeds, seconds, calls, theme, stopsAtFirst } = options;
  const startedAt = performance.now();
  const findings: Findings = { scenarios: 0, calls: 0, events: 0, time: 0, milliseconds: 0, seeds: [] };
  let saidAt = startedAt;
  const isOver = () =>
    findings.scenarios >= seeds ||
    findings.calls >= calls ||
    performance.now() - startedAt >= seconds * 1_000 ||
    (stopsAtFirst && findings.seeds.length > 0);
  while (!isOver()) {
    await inMacrotask(() => {
      const until = performance.now() + TURN;
      while (!isOver() && performance.now() < until) playOne(seed + findings.scenarios, theme, findings);
    });
    findings.milliseconds = performance.now() - startedAt;
    if (performance.now() - saidAt < PROGRESS) continue;
    saidAt = performance.now();
    console.log(`  ${report(findings)}`);
  }
  return findings;
}

function playOne(seed: number, theme: string | undefined, findings: Findings): void {
  const scenario = scenarioOf(seed, theme);
  const { violation, calls, events, time } = play(scenario);
  findings.scenarios++;
  findings.calls += calls;
  findings.events += events;
  findings.time += time;
  if (violation === undefined) return;
  findings.seeds.push({ seed, theme: scenario.theme, violation });
  console.log(`seed ${seed} (${scenario.theme}): ${violation.invariant}: ${violation.text}`);
}
