import type { Sample } from './failure-rates.ts';

/** Standard errors by which a share may be off by chance: more is as seldom as never. */
const CHANCE = 5;

/**
 * Those whose success rate is lower than the mean by so many standard deviations, the worst first, where enough
 * endpoints have had enough requests: as Envoy and gRPC have it. Where all are alike, about one in forty is lower by
 * that, so that what chance explains is none.
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
