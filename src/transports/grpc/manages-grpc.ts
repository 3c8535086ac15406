import type { Settings } from '../../config/settings.ts';
import { nameJudgeOf } from '../global/name-judge-of.ts';
import { ownership } from '../global/ownership.ts';
import { isBehindProxy } from './target.ts';

/**
 * Whether the calls to a target, such as `grpc://orders.prod:50051`, would be balanced, were evenkeel installed with these settings now.
 * Rejects when that can't be found out, or `signal` aborts before.
 */
export async function managesGrpc(
  origin: string,
  settings: Settings,
  signal: AbortSignal,
  resolvConf?: string,
): Promise<boolean> {
  const { hostname } = new URL(origin);
  if (!settings.grpc || isBehindProxy(hostname)) return false;
  const judge = ownership({
    hosts: settings.hosts,
    claims: () => false,
    judgeName: nameJudgeOf(settings, resolvConf, signal),
  });
  return (await judge(`http://${hostname}`)) === 'managed';
}
