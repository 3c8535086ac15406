import type { Clock } from '../base/clock.ts';
import type { PickerFactory } from './picker.ts';

/** The settings of balancing. Durations are in milliseconds. */
export interface BalancingSettings {
  policy: 'least-request' | 'round-robin' | 'peak-ewma' | 'ring-hash' | PickerFactory;
  peakEwma: PeakEwmaSettings;
  locality: 'off' | 'zone' | 'node';
  clock: Clock;
  random: () => number;
}

export interface PeakEwmaSettings {
  decay: number;
  seed: number;
}
