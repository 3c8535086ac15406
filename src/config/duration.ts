/** A length of time: milliseconds, or a number with a unit: `'500ms'`, `'60s'`, `'5m'`, `'1h'`. */
export type Duration = number | string;

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds in `duration`; `NaN` when it is not one. A string without a unit counts milliseconds. */
export function parseDuration(duration: unknown): number {
  if (typeof duration === 'number') return duration >= 0 && Number.isFinite(duration) ? duration : Number.NaN;
  if (typeof duration !== 'string') return Number.NaN;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(duration.trim());
  return match ? Number(match[1]) * (UNITS[match[2] ?? 'ms'] ?? Number.NaN) : Number.NaN;
}
