// Rings of pods, and twenty thousand keys that they own.
import { HashRing } from '../../../src/core/balancing/hash-ring.ts';
import { hash } from '../../../src/core/base/hash.ts';

export class Pod {
  readonly key: string;
  weight: number;
  load = 0;

  constructor(index: number, weight = 1) {
    this.key = `10.1.${index >> 8}.${index & 255}:8080`;
    this.weight = weight;
  }
}

export const KEYS = Array.from({ length: 20_000 }, (_, n) => hash(`user-${n}`));
export const anyone = () => true;

export function start(pods: readonly Pod[]): HashRing<Pod> {
  const ring = new HashRing<Pod>();
  ring.update(pods, []);
  return ring;
}

export const startPods = (count: number) => Array.from({ length: count }, (_, index) => new Pod(index));
export const owners = (ring: HashRing<Pod>) => KEYS.map((key) => ring.pick(key, anyone));
