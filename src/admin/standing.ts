import type { EndpointStats } from '../telemetry/stats.ts';

/** The state of an endpoint, for people. */
export interface Standing {
  /** `idle`: all is well, but it gets no requests. */
  readonly mood: 'good' | 'idle' | 'warn' | 'bad';
  /** Its state and its reasons, in words. */
  readonly says: string;
}

/** In words, the reasons that say more than the state. */
const MEANING: Readonly<Record<string, string>> = {
  paused: 'paused, because it asked for that with Retry-After',
  'on-trial': 'on trial after its ejection or silence: one request at a time',
  failing: 'fails its requests, but is not ejected, because too many pods fail',
  silent: 'requests are given up there without an answer: one now and then',
  'in-doubt': 'silent; evenkeel is finding out whether it is still there',
  'request-limit': 'has as many requests as it may have',
  cold: 'not kept connected: there are too few requests for all pods',
  frozen: 'not dialled: its address may be out of date',
  superseded: 'serves until its successors are connected',
};

export function standingOf({ state, reasons, ejection, dialError }: EndpointStats): Standing {
  const isCold = reasons.includes('cold');
  const known = reasons.filter((reason) => reason in MEANING);
  const unreachable = dialError !== undefined || reasons.includes('backing-off');
  const parts = [
    ...(ejection === undefined
      ? isCold
        ? []
        : [state]
      : [`ejected for ${ejection.reason}, ${left(ejection.remaining)}`]),
    ...(dialError === undefined ? [] : [`can't be reached: ${dialError}`]),
    ...known.map((reason) => MEANING[reason]!),
  ];
  return { mood: moodOf(state, unreachable, known, isCold), says: parts.join('; ') };
}

function moodOf(
  state: string,
  unreachable: boolean,
  known: readonly string[],
  isCold: boolean,
): Standing['mood'] {
  if (state === 'ejected' || unreachable) return 'bad';
  if (known.some((reason) => reason !== 'cold')) return 'warn';
  return state === 'ready' && !isCold ? 'good' : 'idle';
}

function left(milliseconds: number): string {
  return milliseconds === Number.POSITIVE_INFINITY
    ? 'until its health checks pass'
    : `${Math.max(1, Math.round(milliseconds / 1_000))} s left`;
}
