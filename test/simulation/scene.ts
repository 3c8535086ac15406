import type { Settings } from '../../src/config/settings.ts';
import type { Service } from '../../src/core/service.ts';
import type { Client, Dialling } from './client.ts';
import type { PlayedCall } from './played.ts';
import type { SimulatedPod } from './pod.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** Frames of the stack that are told. */
const FRAMES = 20;

/** What is wrong, and when that was seen. */
export interface Violation {
  readonly invariant: string;
  readonly text: string;
  /** Milliseconds from the start. */
  readonly at: number;
  /** Who did it, as far as it was a step of somebody's. */
  readonly stack: string;
}

/** What is played, with all that there is to see of it. */
export class Scene {
  readonly world: World;
  readonly scenario: Scenario;
  readonly settings: Settings;
  readonly pods: readonly SimulatedPod[];
  client!: Client;
  /** Calls that are not over, and those that have become sockets that are open; in the order in which they began. */
  readonly live = new Set<PlayedCall>();
  /** Calls ever taken, and how many there may be. */
  calls = 0;
  readonly mostCalls: number;
  /** The service was told to close, or was destroyed, and has ended, in microseconds; -1: not yet. */
  closingAt = -1;
  destroyed = false;
  endedAt = -1;
  violation: Violation | undefined = undefined;

  constructor(
    world: World,
    scenario: Scenario,
    settings: Settings,
    pods: readonly SimulatedPod[],
    mostCalls: number,
  ) {
    this.world = world;
    this.scenario = scenario;
    this.settings = settings;
    this.pods = pods;
    this.mostCalls = mostCalls;
  }

  get service(): Service {
    return this.client.service;
  }

  get transport(): Dialling {
    return this.client.transport;
  }

  /** Something is wrong: the first is what counts. */
  violate(invariant: string, text: string): void {
    if (this.violation !== undefined) return;
    this.violation = { invariant, text, at: this.world.time.now(), stack: stackNow() };
    this.world.trace.end(this.world.time.micros, `${invariant}: ${text}`);
    this.world.time.stopped = true;
  }
}

/** Who does what is done now. */
function stackNow(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
}
