import type { Settings } from './settings.ts';

/** An option that does nothing, unless another one is set. */
interface Idle {
  /** The options that do nothing, by their full names. */
  readonly options: readonly string[];
  readonly works: (settings: Settings) => boolean;
  /** What it takes, to be read after "does nothing without". */
  readonly takes: string;
}

const IDLE: readonly Idle[] = [
  {
    options: ['ringHash.header', 'ringHash.key', 'ringHash.balanceFactor'],
    works: ({ policy }) => policy === 'ring-hash',
    takes: "policy 'ring-hash'",
  },
  {
    options: ['peakEwma.decay', 'peakEwma.seed'],
    works: ({ policy }) => policy === 'peak-ewma',
    takes: "policy 'peak-ewma'",
  },
  {
    options: [
      'healthCheck.expectedStatus',
      'healthCheck.interval',
      'healthCheck.timeout',
      'healthCheck.healthyThreshold',
      'healthCheck.unhealthyThreshold',
    ],
    works: ({ healthCheck }) => healthCheck.path !== undefined,
    takes: 'healthCheck.path',
  },
  {
    options: ['subset.index'],
    works: ({ subset }) => subset.size > 0,
    takes: 'subset.size',
  },
  {
    options: ['slowStart.minWeight'],
    works: ({ slowStart }) => slowStart.window > 0,
    takes: 'slowStart.window',
  },
];

/** Those options for which nothing happens, whatever they are set to, each with what it takes. */
export function idleOptions(
  settings: Settings,
): readonly { readonly name: string; readonly takes: string }[] {
  return IDLE.filter(({ works }) => !works(settings)).flatMap(({ options, takes }) =>
    options.map((name) => ({ name, takes })),
  );
}
