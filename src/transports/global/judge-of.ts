import type { Settings } from '../../config/settings.ts';
import { nameJudgeOf } from './name-judge-of.ts';
import { ownership } from './ownership.ts';
import type { Judge } from './verdicts.ts';

interface Circumstances {
  /** Whether what was there before keeps the requests to a URL; none by default. */
  readonly claims?: (url: URL) => boolean;
  readonly resolvConf?: string | undefined;
  /** Aborts what is being asked. */
  readonly signal?: AbortSignal;
}

/** The judge of origins that an installed agent with these settings goes by. */
export function judgeOf(
  settings: Settings,
  { claims = () => false, resolvConf, signal }: Circumstances = {},
): Judge {
  const judgeName = nameJudgeOf(settings, resolvConf, signal);
  return ownership({ hosts: settings.hosts, claims, judgeName });
}
