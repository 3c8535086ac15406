import { ADVICE } from './advice.ts';
import type { Diagnosis, Examination, Finding } from './examination.ts';
import type { Checks } from './facts.ts';
import { PROBLEMS } from './problems.ts';

/** Makes findings: what is wrong, what is good to know, and what to do next. */
export function diagnose(examination: Examination): Diagnosis {
  return { problems: found(PROBLEMS, examination), advice: found(ADVICE, examination) };
}

function found(checks: Checks, examination: Examination): Finding[] {
  return Object.entries(checks).flatMap(([code, check]) =>
    [check(examination) ?? []].flat().map((said) => ({ code, ...said })),
  );
}
