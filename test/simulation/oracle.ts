import type { Target } from '../../src/core/connections/transport.ts';
import { AgentPlaces } from './invariants/agent-places.ts';
import { AtRest } from './invariants/at-rest.ts';
import { BurstDials } from './invariants/burst-dials.ts';
import { ColdCalls } from './invariants/cold-calls.ts';
import { Counted } from './invariants/counted.ts';
import { Ejections } from './invariants/ejections.ts';
import { EndsInTime } from './invariants/ends-in-time.ts';
import { FindsTheAnswering } from './invariants/finds-the-answering.ts';
import { FirstCome } from './invariants/first-come.ts';
import { FitEndpoints } from './invariants/fit-endpoints.ts';
import type { Invariant } from './invariants/invariant.ts';
import { NeverTwice } from './invariants/never-twice.ts';
import { NoLostWakeUp } from './invariants/no-lost-wake-up.ts';
import { NoStorm } from './invariants/no-storm.ts';
import { NoWorse } from './invariants/no-worse.ts';
import { ProofOfDeath } from './invariants/proof-of-death.ts';
import { RetryBudget } from './invariants/retry-budget.ts';
import { SentForSomebody } from './invariants/sent-for-somebody.ts';
import { SettlesOnce } from './invariants/settles-once.ts';
import { Shares } from './invariants/shares.ts';
import { SparesTheSilent } from './invariants/spares-the-silent.ts';
import { Warm } from './invariants/warm.ts';
import { WithinAge } from './invariants/within-age.ts';
import type { PlayedCall, PlayedWire } from './played.ts';
import type { Scene } from './scene.ts';
import type { Watch } from './world.ts';

/** Events between two looks at everything. */
const LOOKS = 64;

/** Knows what every peer did and what every caller was told, and has each invariant look at it. */
export class Oracle implements Watch {
  readonly #scene: Scene;
  readonly #invariants: readonly Invariant[];
  // Those that want to know of each thing.
  readonly #taken: readonly Invariant[];
  readonly #waiting: readonly Invariant[];
  readonly #given: readonly Invariant[];
  readonly #sent: readonly Invariant[];
  readonly #executed: readonly Invariant[];
  readonly #settled: readonly Invariant[];
  readonly #step: readonly Invariant[];
  readonly #look: readonly Invariant[];
  #untilLook = LOOKS;

  constructor(scene: Scene) {
    this.#scene = scene;
    const all: Invariant[] = [
      new SettlesOnce(scene),
      new EndsInTime(scene),
      new NeverTwice(scene),
      new SentForSomebody(scene),
      new ProofOfDeath(scene),
      new NoWorse(scene),
      new WithinAge(scene),
      new FitEndpoints(scene),
      new BurstDials(scene),
      new ColdCalls(scene),
      new NoStorm(scene),
      new NoLostWakeUp(scene),
      new FirstCome(scene),
      new Counted(scene),
      new Ejections(scene),
      new RetryBudget(scene),
      new Warm(scene),
      new Shares(scene),
      ...(scene.scenario.hangsFrom === undefined ? [] : [new SparesTheSilent(scene)]),
      ...(scene.scenario.answersFrom === undefined ? [] : [new FindsTheAnswering(scene)]),
      new AtRest(scene),
      ...(scene.scenario.agents === undefined ? [] : [new AgentPlaces(scene)]),
    ];
    this.#invariants = all;
    this.#taken = all.filter(({ onTaken }) => onTaken);
    this.#waiting = all.filter(({ onWaiting }) => onWaiting);
    this.#given = all.filter(({ onGiven }) => onGiven);
    this.#sent = all.filter(({ onSent }) => onSent);
    this.#executed = all.filter(({ onExecuted }) => onExecuted);
    this.#settled = all.filter(({ onSettled }) => onSettled);
    this.#step = all.filter(({ onStep }) => onStep);
    this.#look = all.filter(({ look }) => look);
    scene.world.time.afterEach = () => this.#afterEach();
  }

  #afterEach(): void {
    for (const invariant of this.#step) invariant.onStep!();
    // While a story is told, as soon as it can be seen.
    if (--this.#untilLook > 0 && !this.#scene.world.trace.notes) return;
    this.#untilLook = LOOKS;
    for (const invariant of this.#look) invariant.look!();
  }

  onTaken(call: PlayedCall): void {
    const scene = this.#scene;
    scene.calls++;
    scene.live.add(call);
    if (scene.calls > scene.mostCalls) scene.violate('few calls', `there are ${scene.calls}`);
    const { trace, time } = scene.world;
    if (trace.notes) trace.note(time.micros, 'taken', call.id, -1, -1, call.describe().method);
    for (const invariant of this.#taken) invariant.onTaken!(call);
  }

  onWaiting(call: PlayedCall): void {
    for (const invariant of this.#waiting) invariant.onWaiting!(call);
  }

  onGiven(call: PlayedCall, wire: PlayedWire): void {
    for (const invariant of this.#given) invariant.onGiven!(call, wire);
  }

  onSent(call: PlayedCall, wire: PlayedWire): void {
    for (const invariant of this.#sent) invariant.onSent!(call, wire);
  }

  onExecuted(call: PlayedCall): void {
    for (const invariant of this.#executed) invariant.onExecuted!(call);
  }

  onSocketClosed(call: PlayedCall): void {
    this.#scene.live.delete(call);
  }

  onUnlooked(call: PlayedCall): void {
    for (const invariant of this.#invariants) invariant.onUnlooked?.(call);
  }

  onSettled(call: PlayedCall, error: Error | undefined): void {
    if (!call.socketOpen) this.#scene.live.delete(call);
    for (const invariant of this.#settled) invariant.onSettled!(call, error);
  }

  onCut(call: PlayedCall, wire: PlayedWire, error: Error): void {
    for (const invariant of this.#invariants) invariant.onCut?.(call, wire, error);
  }

  onDial(target: Target): void {
    for (const invariant of this.#invariants) invariant.onDial?.(target);
  }

  /** A set of endpoints, or an error, has been said. */
  onDiscovery(): void {
    for (const invariant of this.#invariants) invariant.onDiscovery?.();
  }

  /** Nobody has called for a long while. */
  onRest(): void {
    for (const invariant of this.#invariants) invariant.onRest?.();
  }

  /** The service has ended, or should have. */
  onOver(): void {
    for (const invariant of this.#invariants) invariant.onOver?.();
  }
}
