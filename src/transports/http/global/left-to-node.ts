import type { Agent } from 'node:http';
import type { Settings } from '../../../config/settings.ts';
import { judgeOf } from '../../global/judge-of.ts';
import { asNodeAgent, hasInternals, isProxied, isStock, type RequestOptions } from '../node-http.ts';
import { needsNode } from '../profile.ts';

/**
 * Whether a request is left to its agent, whatever its host: the agent keeps no connections, or the agent or the
 * request has its own way to the server.
 */
export function isLeftToNode(agent: Agent, options: RequestOptions): boolean {
  const node = asNodeAgent(agent);
  return !node.keepAlive || !isStock(node) || needsNode(node, options) || isProxied(node, options);
}

/**
 * Whether evenkeel, installed now with these settings, would balance requests of Node's own agents to an origin.
 * Rejects if that can't be found out, or if `signal` aborts first.
 */
export async function managesHttp(origin: string, settings: Settings, signal: AbortSignal): Promise<boolean> {
  if (!settings.http || !hasInternals()) return false;
  return (await judgeOf(settings, { signal })(origin)) === 'managed';
}
