import http, { type Agent, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import type { BalancedHttpAgentOptions } from '../../src/transports/http/agent-options.ts';
import { BalancedHttpAgent } from '../../src/transports/http/http-agent.ts';
import { type Addressed, ManualResolver } from './manual-resolver.ts';

export { ManualResolver };

export const HOST = 'orders.prod';

/** Starts an agent for node:http that finds `pods` behind any name. When the test ends it is destroyed. */
export function startHttpAgent(
  t: TestContext,
  pods: readonly Addressed[],
  options: BalancedHttpAgentOptions = {},
): BalancedHttpAgent {
  const agent = new BalancedHttpAgent({ discovery: new ManualResolver(pods).resolve, ...options });
  t.after(() => agent.destroy());
  return agent;
}

export interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

/** Sends a request, and reads the response to its end. Rejects with what the request or the response fails with. */
export async function ask(
  agent: Agent | undefined,
  options: RequestOptions & { body?: string; secure?: boolean } = {},
): Promise<Answer> {
  const { body, secure = false, ...others } = options;
  const send = secure ? https.request : http.request;
  const request = send({ host: HOST, port: secure ? 443 : 80, ...others, ...(agent && { agent }) });
  request.end(body);
  return answerOf(request);
}

export async function answerOf(request: ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once('response', resolve).once('error', reject);
  const response = await promise;
  const body = await text(response);
  return { status: response.statusCode, body, request, response };
}

/** Resolves when an emitter has closed: unlike `once` of node:events, whatever errors it has. */
export function closeOf(emitter: NodeJS.EventEmitter & { readonly closed?: boolean }): Promise<void> {
  return new Promise((resolve) => {
    if (emitter.closed) resolve();
    else emitter.once('close', resolve);
  });
}

/** The events of an emitter from now on, in order; of a request, those that its caller is told of. */
export function eventsOf(emitter: NodeJS.EventEmitter): string[] {
  const events: string[] = [];
  const { emit } = emitter;
  emitter.emit = (event: string, ...args: unknown[]) => {
    if (!['newListener', 'removeListener', 'prefinish', 'finish'].includes(event)) events.push(event);
    return emit.call(emitter, event, ...args);
  };
  return events;
}
