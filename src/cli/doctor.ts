import { setTimeout } from 'node:timers/promises';
import { type Environment, environment } from '../core/base/environment.ts';
import { type Place, thisPlace } from '../core/discovery/kubernetes/place.ts';
import { type Wishes, wishesIn } from './doctor/arguments.ts';
import { diagnose } from './doctor/diagnosis.ts';
import type { Diagnosis, Examination } from './doctor/examination.ts';
import { examine } from './doctor/examine.ts';
import { toJson } from './doctor/json.ts';
import { report } from './doctor/report.ts';
import { Warnings } from './doctor/warnings.ts';

export interface DoctorOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface DoctorWorld {
  readonly output: DoctorOutput;
  /** Where it says what it is doing, if that is a terminal. */
  readonly progress: DoctorOutput;
  readonly env: Environment;
  readonly place: Place;
  /** The folder of the app, whose clients are looked for. */
  readonly app: string;
  /** With `--watch`: milliseconds between two looks. */
  readonly pause: number;
  /** Ends `--watch`. */
  readonly signal: AbortSignal;
}

interface Examined {
  readonly examination: Examination;
  readonly diagnosis: Diagnosis;
}

const ERASE = '\r\x1b[K';
const PAUSE = 5_000;

/**
 * Says what an app at this place would make of each URL: where its name leads and why, which endpoints can be dialled, which
 * settings hold, and what to do about what is wrong. With `--watch`, it looks again and again, and says what is new.
 *
 * @returns 0 when all is well, 1 when there are problems, or with `--fail-on advice` advice
 * @throws UsageError
 */
export async function doctor(args: readonly string[], world: Partial<DoctorWorld> = {}): Promise<number> {
  const { output = process.stdout, env = environment(), place = thisPlace(env) } = world;
  const { progress = process.stderr, pause = PAUSE, signal, app = process.cwd() } = world;
  const wishes = wishesIn(args, env);
  const warnings = new Warnings();
  const said = new Map<Wishes['subjects'][number], string>();
  const show = (line: string) => progress.isTTY === true && progress.write(`${ERASE}${line}`);
  const tell = (what: string) => show(`${what} …`);
  try {
    for (;;) {
      let isWell = true;
      for (const subject of wishes.subjects) {
        const seen = await examine({ ...subject, env, place, app, tell });
        show('');
        const examination = { ...seen, warnings: [...seen.warnings, ...(await warnings.all())] };
        const examined = { examination, diagnosis: diagnose(examination) };
        const key = keyOf(examined);
        if (said.get(subject) !== key) output.write(textOf(examined, wishes, output, env, said.size > 0));
        said.set(subject, key);
        const { problems, [wishes.failOn]: others } = examined.diagnosis;
        isWell &&= problems.length === 0 && others.length === 0;
      }
      if (wishes.watch) await setTimeout(pause, undefined, { signal }).catch(() => {});
      if (!wishes.watch || signal?.aborted) return isWell ? 0 : 1;
    }
  } finally {
    warnings.restore();
  }
}

/** For programs one object, or with more of them one in each line; for people a report, with the time when it is watched. */
function textOf(
  { examination, diagnosis }: Examined,
  { subjects, json, settings, watch }: Wishes,
  output: DoctorOutput,
  env: Environment,
  isLater: boolean,
): string {
  const time = new Date().toISOString();
  if (json) {
    const result = toJson(examination, diagnosis);
    if (watch) return `${JSON.stringify({ time, ...result })}\n`;
    return `${subjects.length > 1 ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`;
  }
  const colour = output.isTTY === true && !env.NO_COLOR;
  const lines = report(examination, diagnosis, {
    colour,
    allSettings: settings,
    columns: output.columns || undefined,
  });
  const title =
    subjects.length > 1 || watch ? [`${examination.url.href}${watch ? ` at ${time}` : ''}`, ''] : [];
  return `${[...(isLater ? [''] : []), ...title, ...lines].join('\n')}\n`;
}

/** What is new when it changes: no time that something took. */
function keyOf({
  examination: { endpoints, response, resolution, kubernetes },
  diagnosis,
}: Examined): string {
  const rows = endpoints.map(({ address, port, state, dial }) => {
    return `${address} ${port} ${state} ${dial !== undefined && 'error' in dial ? dial.error.message : ''}`;
  });
  const source = resolution !== undefined && 'source' in resolution ? resolution.source : undefined;
  const answer = [response?.status, response?.location, response?.error?.message];
  const rights = kubernetes.rights.map(({ allowed }) => allowed);
  return JSON.stringify([rows.sort(), source, answer, rights, diagnosis]);
}
