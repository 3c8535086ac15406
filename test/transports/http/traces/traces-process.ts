// Plays scenarios one way, in a process of its own, and prints what was told.

import type { Certificate } from '../../../support/certificate.ts';
import { play, SCENARIOS } from './play.ts';
import type { Told } from './stage.ts';
import { type WayName, wayOf } from './ways.ts';

export interface Setting {
  readonly way: WayName;
  readonly address: string;
  readonly warm: boolean;
  readonly certificate: Certificate | undefined;
  /** Those that are played; none: all. */
  readonly scenarios?: readonly string[];
}

const {
  way: name,
  address,
  warm,
  certificate,
  scenarios = Object.keys(SCENARIOS),
} = JSON.parse(process.argv[2]!) as Setting;
const way = await wayOf(name, address, certificate?.cert);
const told: Record<string, Told> = {};
for (const scenario of scenarios) {
  const { plain = false } = SCENARIOS[scenario]!;
  if (plain && certificate !== undefined) continue;
  told[scenario] = await play(scenario, way, { warm, certificate });
}
process.stdout.write(JSON.stringify(told), () => process.exit());
