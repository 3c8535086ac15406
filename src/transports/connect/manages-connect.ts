import type { Settings } from '../../config/settings.ts';
import { judgeOf } from '../global/judge-of.ts';

/**
 * Whether the calls of a transport to an origin would be balanced, had it session managers with these settings. Rejects when that
 * can't be found out, or `signal` aborts before.
 */
export async function managesConnect(
  origin: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<boolean> {
  return (await judgeOf(settings, { signal })(origin)) === 'managed';
}
