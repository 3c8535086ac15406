import type { Sample } from './failure-rates.ts';

/** By how many standard errors a share may differ by chance. More than that "never" happens by chance. */
const CHANCE = 5;

/**
 * The endpoints whose success rate is this many standard deviations below the mean, the worst first. Enough endpoints
 * must have had enough requests, as with Envoy and gRPC. If all endpoints are alike, about one in forty is that far
 * below by chance. So differences that chance explains don't count.
 */
export function outliersOf<S>(
  samples: readonly Sample<S>[],
  minimumHosts: number,
  stdevFactor: number,
): Sample<S>[] {
  if (samples.length < minimumHosts) return [];
  const mean = meanOf(samples.map(({ successRate }) => successRate));
  const variance = meanOf(samples.map(({ successRate }) => (successRate - mean) ** 2));
  const deviation = stdevFactor * Math.sqrt(variance);
  return samples
    .filter(({ successRate, total }) => {
      const chance = CHANCE * Math.sqrt((mean * (1 - mean)) / total);
      return successRate < mean - Math.max(deviation, chance);
    })
    .toSorted((a, b) => a.successRate - b.successRate);
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
