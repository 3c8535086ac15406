import type { Settings } from '../../config/settings.ts';
import { nameJudgeOf } from './name-judge-of.ts';
import { ownership } from './ownership.ts';
import type { Judge } from './verdicts.ts';

interface Circumstances {
  /** Whether what was there before evenkeel keeps the requests to a URL; never by default. */
  readonly claims?: (url: URL) => boolean;
  readonly resolvConf?: string | undefined;
  /** Aborts the look-ups. */
  readonly signal?: AbortSignal;
}

/** The judge of origins for an installed agent with these settings. */
export function judgeOf(
  settings: Settings,
  { claims = () => false, resolvConf, signal }: Circumstances = {},
): Judge {
  const judgeName = nameJudgeOf(settings, resolvConf, signal);
  return ownership({ hosts: settings.hosts, claims, judgeName });
}
