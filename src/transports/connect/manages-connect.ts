import type { Settings } from '../../config/settings.ts';
import { judgeOf } from '../global/judge-of.ts';

/**
 * Whether evenkeel would balance the calls of a transport to an origin, if it had a session manager with these
 * settings. Rejects if that can't be found out, or if `signal` aborts first.
 */
export async function managesConnect(
  origin: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<boolean> {
  return (await judgeOf(settings, { signal })(origin)) === 'managed';
}
