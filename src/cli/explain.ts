import { parseArgs } from 'node:util';
import { optionsFrom } from '../config/in-force.ts';
import { resolveSettings } from '../config/resolve-settings.ts';
import { type Environment, environment } from '../core/base/environment.ts';
import { type Place, thisPlace } from '../core/discovery/kubernetes/place.ts';
import { type Question, storyOf } from './explain/story.ts';
import { tell } from './explain/tell.ts';
import { UsageError } from './usage-error.ts';
import { webUrl } from './web-url.ts';

export interface ExplainWorld {
  readonly output: { write(text: string): unknown };
  readonly env: Environment;
  readonly place: Place;
}

/**
 * Sends one request as an app here would, and tells its story: what the name led to, who could have had it and why or why
 * not, who was chosen, and what took how long.
 *
 * @returns 0 when there was a response, 1 when there was none
 * @throws UsageError
 */
export async function explain(args: readonly string[], world: Partial<ExplainWorld> = {}): Promise<number> {
  const { output = process.stdout, env = environment() } = world;
  const { place = thisPlace(env) } = world;
  const { question, policy } = parse(args, env, place);
  const story = await storyOf(question);
  output.write(`${tell(question, story, policy).map(harmless).join('\n')}\n`);
  return 'error' in story.outcome ? 1 : 0;
}

/** What others may have put into it does nothing to a terminal. */
function harmless(line: string): string {
  return line.replace(/\p{Cc}/gu, ' ');
}

function parse(
  args: readonly string[],
  env: Environment,
  place: Place,
): { question: Question; policy: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        request: { type: 'string', short: 'X' },
        header: { type: 'string', short: 'H', multiple: true, default: [] },
        data: { type: 'string', short: 'd' },
        option: { type: 'string', short: 'o', multiple: true, default: [] },
      },
    });
    const url = webUrl(positionals);
    const options = optionsFrom(values.option);
    const { policy } = resolveSettings(options, env);
    const method = values.request ?? (values.data === undefined ? 'GET' : 'POST');
    const path = `${url.pathname}${url.search}`;
    // What may be secret: the story may be shown around.
    Object.assign(url, { username: '', password: '', search: '', hash: '' });
    return {
      question: {
        url,
        path,
        method,
        headers: headersIn(values.header),
        body: values.data,
        options,
        env,
        place,
      },
      policy: typeof policy === 'string' ? policy : 'your own policy',
    };
  } catch (error) {
    throw UsageError.of(error);
  }
}

function headersIn(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`-H takes 'name: value', got '${line}'`);
      return [name, value ?? ''];
    }),
  );
}
