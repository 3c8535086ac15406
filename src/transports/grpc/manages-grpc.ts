import type { Settings } from '../../config/settings.ts';
import { judgeOf } from '../global/judge-of.ts';
import { isBehindProxy } from './target.ts';

/**
 * Whether the calls to a target, such as `grpc://orders.prod:50051`, would be balanced, were evenkeel installed with these settings now.
 * Rejects when that can't be found out, or `signal` aborts before.
 */
export async function managesGrpc(origin: string, settings: Settings, signal: AbortSignal): Promise<boolean> {
  const { hostname } = new URL(origin);
  if (!settings.grpc || isBehindProxy(hostname)) return false;
  return (await judgeOf(settings, { signal })(`http://${hostname}`)) === 'managed';
}
