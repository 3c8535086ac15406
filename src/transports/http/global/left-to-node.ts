import type { Agent } from 'node:http';
import type { Settings } from '../../../config/settings.ts';
import { judgeOf } from '../../global/judge-of.ts';
import { asNodeAgent, hasInternals, isProxied, isStock, type RequestOptions } from '../node-http.ts';
import { needsNode } from '../profile.ts';

/**
 * Whether a request is left to its agent, wherever it goes: that keeps no connections, or the agent or the request has a
 * way of its own to the server.
 */
export function isLeftToNode(agent: Agent, options: RequestOptions): boolean {
  const node = asNodeAgent(agent);
  return !node.keepAlive || !isStock(node) || needsNode(node, options) || isProxied(node, options);
}

/**
 * Whether requests to an origin by Node's own agents would be balanced, were evenkeel installed with these settings now.
 * Rejects when that can't be found out, or `signal` aborts before.
 */
export async function managesHttp(origin: string, settings: Settings, signal: AbortSignal): Promise<boolean> {
  if (!settings.http || !hasInternals()) return false;
  return (await judgeOf(settings, { signal })(origin)) === 'managed';
}
