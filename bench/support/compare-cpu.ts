import { type Bar, report } from './report.ts';
import { type Contestant, type InterleaveOptions, interleave } from './rounds.ts';
import { median, ratios } from './statistics.ts';

export interface CpuOptions extends InterleaveOptions {
  bench: string;
  /** What every contestant sends in one round. */
  requests: number;
  /** For the first that is neither `without` nor `control`, and so on. */
  bars: readonly Bar[];
}

/**
 * Compares the CPU time that a request takes with something, with what it takes without. Of the contestants the first is
 * without it, the second one more of the same: how far that strays from 1 is the noise.
 */
export async function compareCpu(
  contestants: readonly Contestant[],
  { bench, requests, bars, ...options }: CpuOptions,
): Promise<void> {
  const costs = await interleave(contestants, options);
  const [without, control, ...others] = costs.map((cost) => cost.map(({ cpu }) => cpu));
  const noise = ratios(control!, without!);
  for (const [index, cpu] of others.entries()) {
    const ratio = ratios(cpu, without!);
    const [each, plain] = [cpu, without!].map((cpus) => (median(cpus) * 1000) / requests);
    report({
      bench,
      case: `${contestants[index + 2]!.name}, ${options.title}`,
      value: ratio.median,
      bar: bars[index],
      text:
        `CPU ${ratio.median.toFixed(3)} × (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}), ` +
        `control ${noise.median.toFixed(3)}; ${each!.toFixed(1)} µs a request against ${plain!.toFixed(1)}`,
      detail: { ratio, control: noise, microseconds: each, without: plain, rounds: options.rounds },
    });
  }
}
