import { parseArgs } from 'node:util';
import { optionsFrom } from '../../config/in-force.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Environment } from '../../core/base/environment.ts';
import { UsageError } from '../usage-error.ts';
import { webUrl } from '../web-url.ts';
import type { Diagnosis } from './examination.ts';
import type { Subject } from './examine.ts';

/** What the arguments ask for. */
export interface Wishes {
  readonly subjects: readonly Pick<Subject, 'url' | 'path' | 'options' | 'dial' | 'request'>[];
  readonly json: boolean;
  readonly settings: boolean;
  readonly watch: boolean;
  /** The command fails if there is a problem, or also if there is a finding of this kind. */
  readonly failOn: keyof Diagnosis;
}

const GRPC = /^grpc:\/\//i;

/** @throws UsageError */
export function wishesIn(args: readonly string[], env: Environment): Wishes {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        option: { type: 'string', short: 'o', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        settings: { type: 'boolean', default: false },
        watch: { type: 'boolean', default: false },
        'no-dial': { type: 'boolean', default: false },
        'no-request': { type: 'boolean', default: false },
        'fail-on': { type: 'string', default: 'problem' },
      },
    });
    const targets = positionals.length === 0 ? [targetOf()] : positionals.map(targetOf);
    const options = optionsFrom(values.option);
    resolveSettings(options, env);
    return {
      subjects: targets.map(({ isGrpc, ...target }) => ({
        ...target,
        options,
        dial: !values['no-dial'],
        request: !isGrpc && !values['no-request'],
      })),
      json: values.json,
      settings: values.settings,
      watch: values.watch,
      failOn: severityOf(values['fail-on']),
    };
  } catch (error) {
    throw UsageError.of(error);
  }
}

/** A URL, or a gRPC target, whose pods are looked up like those of a URL. gRPC servers don't answer `HEAD`. */
function targetOf(text?: string): { url: URL; path: string; isGrpc: boolean } {
  const url = webUrl(text === undefined ? [] : [text.replace(GRPC, 'http://')]);
  const path = `${url.pathname}${url.search}`;
  // Removes what may be secret, because people may show the result to others.
  Object.assign(url, { username: '', password: '', search: '', hash: '' });
  return { url, path, isGrpc: text !== undefined && GRPC.test(text) };
}

function severityOf(text: string): keyof Diagnosis {
  if (text === 'problem') return 'problems';
  if (text === 'advice') return text;
  throw new Error(`--fail-on must be problem or advice, got ${text}`);
}
