import type { Settings } from '../../config/settings.ts';
import { judgeOf } from '../global/judge-of.ts';
import { isBehindProxy } from './target.ts';

/**
 * Whether evenkeel, installed now with these settings, would balance calls to a target such as
 * `grpc://orders.prod:50051`. Rejects if that can't be found out, or if `signal` aborts first.
 */
export async function managesGrpc(origin: string, settings: Settings, signal: AbortSignal): Promise<boolean> {
  const { hostname } = new URL(origin);
  if (!settings.grpc || isBehindProxy(hostname)) return false;
  return (await judgeOf(settings, { signal })(`http://${hostname}`)) === 'managed';
}
