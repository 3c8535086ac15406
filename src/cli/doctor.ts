import { parseArgs } from 'node:util';
import { optionsFrom } from '../config/in-force.ts';
import { resolveSettings } from '../config/resolve-settings.ts';
import { type Environment, environment } from '../core/base/environment.ts';
import { type Place, thisPlace } from '../core/discovery/kubernetes/place.ts';
import { diagnose } from './doctor/diagnosis.ts';
import type { Diagnosis } from './doctor/examination.ts';
import { examine, type Subject } from './doctor/examine.ts';
import { toJson } from './doctor/json.ts';
import { report } from './doctor/report.ts';
import { UsageError } from './usage-error.ts';
import { webUrl } from './web-url.ts';

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
}

interface Wishes {
  readonly json: boolean;
  readonly settings: boolean;
  /** What there may be none of. */
  readonly failOn: keyof Diagnosis;
}

const GRPC = /^grpc:\/\//i;
const ERASE = '\r\x1b[K';

/**
 * Says what an app at this place would make of a URL: where its name leads and why, which endpoints can be dialled, which
 * settings hold, and what to do about what is wrong.
 *
 * @returns 0 when all is well, 1 when there are problems, or with `--fail-on advice` advice
 * @throws UsageError
 */
export async function doctor(args: readonly string[], world: Partial<DoctorWorld> = {}): Promise<number> {
  const { output = process.stdout, progress = process.stderr } = world;
  const { env = environment(), place = thisPlace(env) } = world;
  const { url, path, options, json, settings, dial, request, failOn } = parse(args, env);
  const warnings = new Warnings();
  try {
    const show = (line: string) => progress.isTTY === true && progress.write(`${ERASE}${line}`);
    const tell = (what: string) => show(`${what} …`);
    const examination = await examine({ url, path, options, env, place, dial, request, tell });
    show('');
    const whole = { ...examination, warnings: [...examination.warnings, ...(await warnings.all())] };
    const diagnosis = diagnose(whole);
    if (json) output.write(`${JSON.stringify(toJson(whole, diagnosis), null, 2)}\n`);
    else {
      const colour = output.isTTY === true && !env.NO_COLOR;
      output.write(
        `${report(whole, diagnosis, { colour, allSettings: settings, columns: output.columns || undefined }).join('\n')}\n`,
      );
    }
    return diagnosis[failOn].length === 0 && diagnosis.problems.length === 0 ? 0 : 1;
  } finally {
    warnings.restore();
  }
}

function parse(
  args: readonly string[],
  env: Environment,
): Pick<Subject, 'url' | 'path' | 'options' | 'dial' | 'request'> & Wishes {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        option: { type: 'string', short: 'o', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        settings: { type: 'boolean', default: false },
        'no-dial': { type: 'boolean', default: false },
        'no-request': { type: 'boolean', default: false },
        'fail-on': { type: 'string', default: 'problem' },
      },
    });
    const [isGrpc, asked] = grpcTarget(positionals);
    const url = webUrl(asked);
    const path = `${url.pathname}${url.search}`;
    // What may be secret: the result may be shown around.
    Object.assign(url, { username: '', password: '', search: '', hash: '' });
    const options = optionsFrom(values.option);
    resolveSettings(options, env);
    return {
      url,
      path,
      options,
      json: values.json,
      settings: values.settings,
      dial: !values['no-dial'],
      request: !isGrpc && !values['no-request'],
      failOn: severityOf(values['fail-on']),
    };
  } catch (error) {
    throw UsageError.of(error);
  }
}

function severityOf(text: string): keyof Diagnosis {
  if (text === 'problem') return 'problems';
  if (text === 'advice') return text;
  throw new Error(`--fail-on must be problem or advice, got ${text}`);
}

/** Whether that is a target of gRPC's, and the URL by which its pods are looked up. None of its servers answers `HEAD`. */
function grpcTarget(positionals: readonly string[]): [boolean, string[]] {
  const isGrpc = positionals.some((text) => GRPC.test(text));
  return [isGrpc, positionals.map((text) => text.replace(GRPC, 'http://'))];
}

/** Takes evenkeel's warnings while it lives: they are part of the report. */
class Warnings {
  readonly #taken: { code: string; message: string }[] = [];
  readonly #before = process.listeners('warning');
  readonly #take = (warning: Error & { code?: string }) => {
    const { code = '', message } = warning;
    if (code.startsWith('EVENKEEL_')) this.#taken.push({ code, message });
    else for (const listener of this.#before) listener.call(process, warning);
  };

  constructor() {
    process.removeAllListeners('warning');
    process.on('warning', this.#take);
  }

  async all() {
    // A warning is emitted on the next tick.
    await new Promise(setImmediate);
    return this.#taken;
  }

  restore(): void {
    process.off('warning', this.#take);
    for (const listener of this.#before) process.on('warning', listener);
  }
}
