import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { sentenceOf } from '../../admin/sentences.ts';
import type { BalancedAgentOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import { channels } from '../../core/base/channels.ts';
import type { Environment } from '../../core/base/environment.ts';
import type { Place } from '../../core/discovery/kubernetes/place.ts';
import type { ResolveTarget } from '../../core/discovery/resolver.ts';
import { Trace } from '../../core/discovery/trace.ts';
import { BalancedAgent } from '../../index.ts';
import type { EndpointStats } from '../../telemetry/stats.ts';
import { resolverFor } from '../../transports/resolver-for.ts';
import { Discovered } from './discovered.ts';

export interface Question {
  readonly url: URL;
  /** With the query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly options: BalancedAgentOptions;
  readonly env: Environment;
  readonly place: Place;
}

/** Something that happened, so many milliseconds after the request was made. */
export interface Moment {
  readonly at: number;
  readonly says: string;
}

/** How the request was given to an endpoint. */
export interface Choice {
  readonly address: string;
  /** All that could have had it, at that moment. */
  readonly candidates: readonly EndpointStats[];
}

/** What became of one request, and why. */
export interface Story {
  readonly trace: Trace;
  readonly moments: readonly Moment[];
  /** One for each time that it was sent. */
  readonly choices: readonly Choice[];
  /** All endpoints, in the end. */
  readonly endpoints: readonly EndpointStats[];
  /** They are connections to an address, behind which somebody else picks a pod for each. */
  readonly virtual: boolean;
  readonly source: string | undefined;
  readonly outcome: { readonly status: number; readonly bytes: number } | { readonly error: Error };
}

/** Left out: what comes with the end of the agent is no part of the story. */
const TOLD = [
  'discoveryUpdate',
  'discoveryError',
  'endpointEject',
  'endpointRestore',
  'connectionOpen',
  'requestStart',
  'requestRetry',
] as const satisfies readonly (keyof typeof channels)[];

/** Milliseconds that discovery has, to be as far as in an app that runs. */
const DISCOVERY = 3_000;
/** Milliseconds that other endpoints have, to be dialled, once the request has ended. */
const OTHERS = 1_500;

/** Sends one request, and takes down what happens to it. */
export async function storyOf(question: Question): Promise<Story> {
  const { url, path, method, headers, body, options, env, place } = question;
  const trace = new Trace();
  const settings = resolveSettings(options, env);
  const discovered = new Discovered(resolverFor(settings, place, trace), targetOf(url));
  const agent = new BalancedAgent({
    ...options,
    discovery: discovered.resolve,
    hosts: ['*'],
    admin: false,
  });
  const { origin } = url;
  const rows = () => agent.stats[origin]?.endpoints ?? [];
  const moments: Moment[] = [];
  const choices: Choice[] = [];
  let startedAt = performance.now();
  const tell = (says: string) => moments.push({ at: performance.now() - startedAt, says });
  const listeners = TOLD.map((kind) => {
    const listener = (message: unknown) => {
      const told = message as Record<string, unknown>;
      if (told.origin !== origin) return;
      if (kind === 'requestStart') choices.push({ address: String(told.address), candidates: rows() });
      tell(sentenceOf(kind, told));
    };
    subscribe(String(channels[kind].name), listener);
    return { name: String(channels[kind].name), listener };
  });
  /** Why dials have failed, by address: an endpoint that is about to be dialled again has none. */
  const failed = new Map<string, string>();
  agent.on('connectionError', (_origin, _targets, error) => {
    tell(`a dial has failed: ${error.message}`);
    setImmediate(() => {
      for (const { address, dialError } of rows())
        if (dialError !== undefined) failed.set(address, dialError);
    });
  });
  // What the agent waits for doesn't keep a process alive.
  const alive = setInterval(() => {}, 1_000);
  try {
    await discovered.settle(DISCOVERY, () => {
      const failed = discovered.latest !== undefined && 'error' in discovered.latest;
      return (
        failed || place.apiHost === undefined || trace.service !== undefined || trace.error !== undefined
      );
    });
    startedAt = performance.now();
    const outcome = await agent
      .request({ origin, path, method: method as 'GET', headers, body: body ?? null })
      .then(async (response) => {
        tell(`the first byte of the response: ${response.statusCode}`);
        let bytes = 0;
        for await (const chunk of response.body) bytes += (chunk as Buffer).length;
        tell(`the end of the response: ${bytes} bytes`);
        return { status: response.statusCode, bytes };
      })
      .catch((error: Error) => {
        tell(`it failed: ${error.message}`);
        return { error };
      });
    const later = performance.now() + OTHERS;
    while (performance.now() < later && rows().some(isUnderWay))
      await new Promise((go) => setTimeout(go, 50));
    const { latest } = discovered;
    const known = latest !== undefined && 'endpoints' in latest ? latest : undefined;
    const virtual = known?.virtual === true;
    return {
      trace,
      moments,
      choices,
      endpoints: rows().map((row) => withError(row, failed)),
      virtual,
      source: known?.source,
      outcome,
    };
  } finally {
    clearInterval(alive);
    discovered.stop();
    for (const { name, listener } of listeners) unsubscribe(name, listener);
    await agent.destroy();
  }
}

function targetOf({ hostname, protocol, port }: URL): ResolveTarget {
  return {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    protocol: protocol as 'http:' | 'https:',
  };
}

/** Whether it isn't known yet of an endpoint if it can be connected to, and it is to be found out. */
function isUnderWay({ state, reasons, dialError }: EndpointStats): boolean {
  return state === 'connecting' && dialError === undefined && !reasons.includes('cold');
}

function withError(row: EndpointStats, failed: ReadonlyMap<string, string>): EndpointStats {
  const dialError = failed.get(row.address);
  return row.state !== 'connecting' || dialError === undefined ? row : { ...row, dialError };
}
