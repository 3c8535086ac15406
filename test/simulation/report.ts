import { play } from './play.ts';
import type { Scenario } from './scenario.ts';
import type { Violation } from './scene.ts';

/** What a campaign has come to. */
export interface Findings {
  scenarios: number;
  calls: number;
  events: number;
  /** Milliseconds that went by in all scenarios together, and that it took. */
  time: number;
  milliseconds: number;
  readonly seeds: { readonly seed: number; readonly theme: string; readonly violation: Violation }[];
}

/** Lines of a story, at most. */
const MOST_LINES = 60;
/** Facts that are told of anybody; of others, only what concerns whoever a violation is about. */
const OF_ALL = /^\s*\S+ {2}(happening|discovery|ejected|restored|violated|closing|ended)/;
/** More facts than a story can have. */
const ALL = 10_000_000;

export function report({ scenarios, calls, events, time, milliseconds, seeds }: Findings): string {
  const rate = Math.round((calls * 1_000) / Math.max(milliseconds, 1));
  const hours = (time / 3_600_000).toFixed(1);
  return (
    `${scenarios} scenarios, ${calls} calls, ${events} events, ${hours} h of virtual time in ` +
    `${(milliseconds / 1_000).toFixed(1)} s: ${rate} calls/s; ${seeds.length} violations`
  );
}

/** The story of a scenario, in no more than 60 lines: whole if it is as short, or what concerns whoever it ends with. */
export function storyOf(scenario: Scenario, mostCalls?: number): string[] {
  const { story, violation } = play(scenario, ALL, mostCalls);
  if (story.length <= MOST_LINES) return [...story];
  const subjects = subjectsOf(violation?.text ?? '');
  const told = story.filter((line) => OF_ALL.test(line) || subjects.some((subject) => subject.test(line)));
  if (told.length <= MOST_LINES) return told;
  return [...told.slice(0, MOST_LINES / 4), '  …', ...told.slice(-(MOST_LINES * 3) / 4 + 1)];
}

/** Calls, connections, pods and addresses that a text is about. */
function subjectsOf(text: string): RegExp[] {
  const subjects = text.match(/(call|connection|pod) \d+|\d+\.\d+\.\d+\.\d+:\d+/g) ?? [];
  const pods = subjects.flatMap((subject) => {
    const [, high, low] = /^10\.0\.(\d+)\.(\d+):/.exec(subject) ?? [];
    return low === undefined ? [] : [`pod ${Number(high) * 256 + Number(low)}`];
  });
  return [...subjects, ...pods].map((subject) => new RegExp(`${subject.replaceAll('.', '\\.')}(?!\\d)`));
}
