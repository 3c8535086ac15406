import { isIP } from 'node:net';
import { styleText } from 'node:util';
import { shownValue } from '../../config/in-force.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import { codeOf, said } from './errors.ts';
import type { Diagnosis, EndpointSeen, Examination, Finding } from './examination.ts';

type Style = Parameters<typeof styleText>[0];

export interface ReportOptions {
  readonly colour: boolean;
  /** Whether to list settings that nobody has set too. */
  readonly allSettings: boolean;
  /** How many columns the terminal has, if there is one. */
  readonly columns: number | undefined;
}

/** In the package, and beside its README on the web. */
const PAGE = 'docs/doctor.md';
const LABEL = 12;
const WIDEST = 100;
const MOST_LINES = 20;

/** An examination for people, in lines. */
export function report(
  examination: Examination,
  { problems, advice }: Diagnosis,
  { colour, allSettings, columns = WIDEST }: ReportOptions,
): string[] {
  const paint = (style: Style, text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const section = (label: string, lines: readonly string[]) =>
    lines.map((line, index) => paint('bold', (index === 0 ? label : '').padEnd(LABEL)) + line);
  const findings = (mark: string, style: Style, list: readonly Finding[]) =>
    list.flatMap(({ code, cause, next }) => {
      const [first, ...others] = wrapped(cause, Math.min(columns, WIDEST) - 2);
      // A command stays on one line, so that it can be copied.
      return [
        '',
        `${paint(style, mark)} ${first}`,
        ...others.map((line) => `  ${line}`),
        `  ${paint('dim', '→')} ${next}`,
        `  ${paint('dim', `see ${PAGE}#${code}`)}`,
      ];
    });
  return [
    ...section('Name', namesIn(examination)),
    ...section('Kubernetes', kubernetesIn(examination)),
    ...section('Discovery', discoveryIn(examination)),
    ...section('Endpoints', endpointsIn(examination.endpoints)),
    ...section('Response', responseIn(examination)),
    ...section('Clients', clientsIn(examination)),
    ...section('Settings', settingsIn(examination, allSettings)),
    ...findings('✗', 'red', problems),
    ...findings('!', 'yellow', advice),
    '',
    problems.length === 0
      ? `${paint('green', '✓')} ${conclusionOf(examination)}`
      : paint('red', `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}.`),
  ];
}

/** What to say if there are no problems. */
function conclusionOf({ url, resolution, managed, switches }: Examination): string {
  const found = resolution === undefined || 'error' in resolution ? undefined : resolution;
  if (!managed || switches.disabled || switches.mode !== undefined || found?.passive)
    return `No problem with ${url.origin}, but evenkeel doesn't balance it.`;
  if (found?.endpoints.length === 1 && !found.virtual)
    return `No problem with ${url.origin}, but nothing to balance: evenkeel sees one endpoint.`;
  return `${url.origin} can be balanced from here.`;
}

function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

export function namesIn({
  url,
  names: { steps, matched, servers },
}: Pick<Examination, 'url' | 'names'>): string[] {
  if (steps.length === 0) {
    const isAddress = isIP(withoutBrackets(url.hostname)) !== 0;
    return [`${url.hostname}${isAddress ? ' is an address' : ': Kubernetes is asked, and not DNS'}`];
  }
  const widths = [
    Math.max(...steps.map(({ source }) => source.length)),
    Math.max(...steps.map(({ name }) => name.length)),
  ] as const;
  return [
    `${url.hostname}${matched === undefined || matched === url.hostname ? '' : ` is ${matched}`}`,
    ...steps
      .filter(({ source, addresses }) => source !== 'hosts' || addresses.length > 0)
      .map(({ source, name, addresses, ttl, error }) => {
        const list = addresses.map(({ address }) => address);
        const shown = list.length > 6 ? `${list.slice(0, 5).join(' ')} … (${list.length})` : list.join(' ');
        const time = ttl === undefined ? '' : `, TTL ${seconds(ttl)}`;
        const answer = list.length > 0 ? shown + time : error === undefined ? 'no such name' : said(error);
        return `${source.padEnd(widths[0])}  ${name.padEnd(widths[1])}  ${answer}`;
      }),
    ...(servers.length > 0 && steps.some(({ source }) => source === 'dns') ? [serversIn(servers)] : []),
  ];
}

/** Each server is asked if those before it did not answer. */
function serversIn([first, ...others]: readonly string[]): string {
  return `asked ${first}${others.length === 0 ? '' : `, or if it did not answer ${others.join(', ')}`}`;
}

function kubernetesIn({ kubernetes, mesh }: Examination): string[] {
  const { service, rights, seen, error } = kubernetes;
  const out: string[] = [askedOf(kubernetes)];
  // A refusal is shown with the rights.
  if (error !== undefined && !isOfKubeconfig(error) && rights.every(({ allowed }) => allowed !== false))
    out.push(said(error));
  if (rights.length > 0) {
    const list = rights.map(
      ({ verb, resource, allowed }) =>
        `${verb} ${resource}: ${allowed === undefined ? 'not told' : allowed ? 'yes' : 'no'}`,
    );
    out.push(`in namespace ${service?.namespace}: ${list.join(', ')}`);
  }
  if (service !== undefined && seen !== undefined)
    out.push(`Service ${service.name}: ${seen === 'absent' ? 'there is none' : specIn(seen.supply.spec)}`);
  if (mesh !== undefined) out.push(`${mesh} stands beside this process`);
  return out;
}

function askedOf({ way, api, account, service, error }: Examination['kubernetes']): string {
  const as = account === undefined ? '' : ` as ${account.namespace}:${account.name}`;
  switch (way) {
    case 'none':
      return 'not asked: not in a cluster, and no kubeconfig';
    case 'no-account':
      return 'not asked: in a cluster, but without a service account token';
    default:
      if (isOfKubeconfig(error)) return `not asked: ${said(error)}`;
      if (service === undefined) return 'not asked: the name is not that of a Service';
      return way === 'kubeconfig' ? `asked by kubeconfig${as}` : `asked at ${api}${as}`;
  }
}

/** Whether the kubeconfig can't be used, so that nothing was asked. */
function isOfKubeconfig(error: Error | undefined): error is Error {
  return codeOf(error) === 'EVENKEEL_KUBECONFIG';
}

function clientsIn({ clients }: Examination): string[] {
  return clients.map(({ name, version, how }) => `${name} ${version}: ${how}`);
}

type Seen = Exclude<Examination['kubernetes']['seen'], 'absent' | undefined>;

function specIn(spec: Seen['supply']['spec']): string {
  switch (spec.kind) {
    case 'alias':
      return `ExternalName ${spec.hostname}`;
    case 'headless':
      return 'headless';
    case 'cluster-ip':
      return `ClusterIP ${spec.clusterIPs.join(' ')}, ports ${[...spec.ports.keys()].join(' ')}`;
  }
}

function discoveryIn({ resolution, managed }: Examination): string[] {
  const globally = managed ? 'balanced by an installed agent' : 'not balanced by an installed agent';
  if (resolution === undefined) return ['no answer in time'];
  if ('error' in resolution) return [`failed: ${said(resolution.error)}`];
  const { source, endpoints, virtual, passive } = resolution;
  const count = endpoints.length === 1 ? '1 endpoint' : `${endpoints.length} endpoints`;
  const kind = virtual ? ' (a virtual IP, dialled in rotation)' : passive ? ' (left to the mesh)' : '';
  return [`${count} by ${source}${kind}; ${globally}`];
}

function endpointsIn(endpoints: readonly EndpointSeen[]): string[] {
  if (endpoints.length === 0) return ['none'];
  const shown = endpoints.slice(0, MOST_LINES);
  const cells = shown.map(({ address, port, zone, state, dial }) => [
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    zone ?? '',
    state,
    dial === undefined ? '' : 'took' in dial ? `connected in ${dial.took.toFixed(1)} ms` : said(dial.error),
  ]);
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .filter((_, column) => widths[column]! > 0)
      .join('  ')
      .trimEnd(),
  );
  const more = endpoints.length - shown.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function responseIn({ response }: Examination): string[] {
  if (response === undefined) return ['none asked for'];
  if (response.error !== undefined) return [`none: ${said(response.error)}`];
  const { status, location, keepAlive, closes, kept, identity } = response;
  const target = location === undefined ? '' : `, a redirect to ${location}`;
  const server = closes
    ? 'the server closes the connection'
    : keepAlive === undefined
      ? 'the server does not say how long it keeps idle connections'
      : `the server keeps idle connections for ${keepAlive} s`;
  return [
    `${status} to HEAD${target}; ${server}${closes ? '' : `, evenkeel for ${seconds(kept)}`}`,
    ...(identity === undefined ? [] : [`the pod names itself ${identity}`]),
  ];
}

function settingsIn({ settings, switches }: Examination, all: boolean): string[] {
  const shown = settings.filter(({ from }) => from !== 'default' || all);
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, value, from, variable }) => {
    const source = from === 'variable' ? variable : from;
    return `${name.padEnd(width)}  ${shownValue(value)}  (${source})`;
  });
  const on = [
    ...(switches.disabled ? ['EVENKEEL_DISABLED is set'] : []),
    ...(switches.mode === undefined ? [] : [`EVENKEEL_MODE is ${switches.mode}`]),
  ];
  if (all) return [...on, ...lines];
  const rest = lines.length === 0 ? 'all by default' : 'all others by default';
  return [...on, ...lines, `${rest} (--settings lists them)`];
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1_000).toFixed(1))} s`;
}
