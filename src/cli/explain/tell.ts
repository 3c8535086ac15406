import { standingOf } from '../../admin/standing.ts';
import type { EndpointStats } from '../../telemetry/stats.ts';
import { said } from '../doctor/errors.ts';
import { namesIn } from '../doctor/report.ts';
import type { Choice } from './recorder.ts';
import type { Question, Story } from './story.ts';

const LABEL = 12;
const MOST_ROWS = 30;

/** A story in lines. */
export function tell({ url, method }: Question, story: Story, policy: string): string[] {
  const section = (label: string, lines: readonly string[]) =>
    lines.map((line, index) => (index === 0 ? label : '').padEnd(LABEL) + line);
  const { trace, choices, moments, outcome } = story;
  const end =
    'error' in outcome ? `failed: ${said(outcome.error)}` : `${outcome.status}, ${outcome.bytes} bytes`;
  const matched = trace.steps.find(({ addresses }) => addresses.length > 0)?.name;
  return [
    `${method} ${url.origin}${url.pathname}: ${end}`,
    '',
    ...section('Name', namesIn({ url, names: { steps: trace.steps, servers: [], matched } })),
    ...section('Candidates', candidatesIn(story)),
    ...section(
      'Choice',
      choices.length === 0
        ? ['none: no pod could be given the request']
        : choices.map((choice, index) => choiceIn(choice, choices.slice(0, index), policy)),
    ),
    ...section(
      'Story',
      moments.map(({ at, says }) => `${at.toFixed(1).padStart(8)} ms  ${says}`),
    ),
    ...trace.warnings.flatMap(({ message }) => ['', `! ${message}`]),
  ];
}

function candidatesIn({ endpoints, source, virtual }: Story): string[] {
  if (endpoints.length === 0) return ['none: discovery has found no pod'];
  const shown = endpoints.slice(0, MOST_ROWS).map((row) => [nameOf(row), standingOf(row).says] as const);
  const width = Math.max(...shown.map(([name]) => name.length));
  const hidden = endpoints.length - shown.length;
  return [
    `${endpoints.length} by ${source}${virtual ? ': a virtual IP, so somebody else picks a pod for each connection to it' : ''}`,
    ...shown.map(([name, says]) => `${name.padEnd(width)}  ${says}`),
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
  ];
}

function choiceIn({ address, candidates }: Choice, before: readonly Choice[], policy: string): string {
  const ready = candidates.filter(
    ({ connections, reasons }) => connections > 0 && !reasons.some((reason) => UNFIT.includes(reason)),
  );
  const tried = before.map((choice) => choice.address);
  const others = ready.length;
  const why =
    tried.length > 0
      ? `a retry, which goes to another pod than ${tried.join(', ')} if it can`
      : others <= 1
        ? 'the first that was connected'
        : `${policy} chose it of ${others} that were connected and fit`;
  return `${address}: ${why}`;
}

/** Reasons for which a pod gets no requests. */
const UNFIT = ['draining', 'ejected', 'paused', 'silent', 'in-doubt', 'request-limit'];

function nameOf({ address, identity, zone }: EndpointStats): string {
  const name = identity === undefined ? address : `${address} (${identity})`;
  return zone === undefined ? name : `${name} ${zone}`;
}
