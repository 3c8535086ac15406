import type { BalancedAgentOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Environment } from '../../core/base/environment.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import type { Place } from '../../core/discovery/kubernetes/place.ts';
import type { ResolveTarget } from '../../core/discovery/resolver.ts';
import { Trace } from '../../core/discovery/trace.ts';
import { BalancedAgent } from '../../index.ts';
import type { EndpointStats } from '../../telemetry/stats.ts';
import { resolverFor } from '../../transports/resolver-for.ts';
import { Discovered } from './discovered.ts';
import { type Choice, type Moment, Recorder } from './recorder.ts';

export interface Question {
  readonly url: URL;
  /** The path, with the query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly options: BalancedAgentOptions;
  readonly env: Environment;
  readonly place: Place;
}

/** How one request went, and why. */
export interface Story {
  readonly trace: Trace;
  readonly moments: readonly Moment[];
  /** One for each time that the request was sent. */
  readonly choices: readonly Choice[];
  /** All endpoints, at the end. */
  readonly endpoints: readonly EndpointStats[];
  /** Whether the endpoints are connections to a virtual IP, which picks a pod for each connection. */
  readonly virtual: boolean;
  readonly source: string | undefined;
  readonly outcome: { readonly status: number; readonly bytes: number } | { readonly error: Error };
}

/** How many milliseconds discovery has, so that it knows as much as in a running app. */
const DISCOVERY = 3_000;
/** How many milliseconds the dials to other endpoints have, after the request has ended. */
const OTHERS = 1_500;

/** Sends one request, and records what happens to it. */
export async function storyOf(question: Question): Promise<Story> {
  const { url, options, env, place } = question;
  const trace = new Trace();
  const settings = resolveSettings(options, env);
  const discovered = new Discovered(resolverFor(settings, place, trace), targetOf(url));
  const agent = new BalancedAgent({
    ...options,
    discovery: discovered.resolve,
    hosts: ['*'],
    admin: false,
  });
  const recorder = new Recorder(agent, url.origin);
  // What the agent waits for doesn't keep a process alive.
  const alive = setInterval(() => {}, 1_000);
  try {
    await discovered.settle(DISCOVERY, () => {
      const failed = discovered.latest !== undefined && 'error' in discovered.latest;
      return (
        failed || place.apiHost === undefined || trace.service !== undefined || trace.error !== undefined
      );
    });
    recorder.begin();
    const outcome = await send(question, agent, recorder);
    const later = performance.now() + OTHERS;
    while (performance.now() < later && recorder.isDialing) await new Promise((go) => setTimeout(go, 50));
    const { latest } = discovered;
    const known = latest !== undefined && 'endpoints' in latest ? latest : undefined;
    return {
      trace,
      moments: recorder.moments,
      choices: recorder.choices,
      endpoints: recorder.endpoints,
      virtual: known?.virtual === true,
      source: known?.source,
      outcome,
    };
  } finally {
    clearInterval(alive);
    discovered.stop();
    recorder.stop();
    await agent.destroy();
  }
}

async function send(
  { url, path, method, headers, body }: Question,
  agent: BalancedAgent,
  recorder: Recorder,
): Promise<Story['outcome']> {
  try {
    const response = await agent.request({
      origin: url.origin,
      path,
      method: method as 'GET',
      headers,
      body: body ?? null,
    });
    recorder.tell(`the first byte of the response: ${response.statusCode}`);
    let bytes = 0;
    for await (const chunk of response.body) bytes += (chunk as Buffer).length;
    recorder.tell(`the end of the response: ${bytes} bytes`);
    return { status: response.statusCode, bytes };
  } catch (error) {
    recorder.tell(`it failed: ${(error as Error).message}`);
    return { error: error as Error };
  }
}

function targetOf({ hostname, protocol, port }: URL): ResolveTarget {
  return {
    hostname: withoutBrackets(hostname),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    protocol: protocol as 'http:' | 'https:',
  };
}
