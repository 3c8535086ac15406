import type { EndpointAddress, Resolution, Resolver } from '../../src/core/discovery/resolver.ts';
import type { Actor } from './agenda.ts';
import { addressOf, type SimulatedPod } from './pod.ts';
import type { DiscoveryStep } from './scenario.ts';
import type { Scene } from './scene.ts';
import { micros } from './time.ts';
import { failure } from './world.ts';

/** Behind this address somebody else draws a pod for each connection. */
export const VIRTUAL = '10.96.0.1';
const PORT = 80;
/** Milliseconds after which a resolver that was told that nothing can be reached says what it knows again. */
const RELENTS_AFTER = 50;

const STEP = 0;
const SAYS_AGAIN = 1;

/** Says what it is told to at its times: it is asked for the next thing only when somebody wants to know. */
export class SimulatedDiscovery implements Actor {
  readonly #scene: Scene;
  readonly #onSaid: () => void;
  #version = 0;
  #current: DiscoveryStep | undefined = undefined;
  #wake: (() => void) | undefined = undefined;
  /** The pods that a virtual IP leads to. */
  #behind: readonly number[] = [];
  #drawn = 0;
  readonly #pods: ReadonlyMap<string, SimulatedPod>;

  constructor(scene: Scene, onSaid: () => void) {
    this.#scene = scene;
    this.#onSaid = onSaid;
    this.#pods = new Map(scene.pods.map((pod) => [pod.address, pod]));
    for (const step of scene.scenario.discovery) scene.world.time.arrive(micros(step.at), this, STEP, step);
  }

  /** The pod to which a dial to an address leads at this moment. */
  readonly route = (address: string): SimulatedPod | undefined => {
    const { pods, world } = this.#scene;
    if (address !== VIRTUAL) return this.#pods.get(address);
    const behind = this.#behind;
    if (behind.length === 0) return undefined;
    const { draws, seed } = world;
    return pods[behind[draws.about(seed, 0xf1b, this.#drawn++).below(behind.length)]!];
  };

  happen(what: number, data: unknown): void {
    if (what === STEP) {
      const step = data as DiscoveryStep;
      this.#current = step;
      if ('pods' in step && step.virtual === true) this.#behind = step.pods;
    }
    this.#version++;
    this.#wake?.();
    this.#wake = undefined;
  }

  readonly resolve: Resolver = (_target, signal) => this.#follow(signal);

  async *#follow(signal: AbortSignal): AsyncGenerator<Resolution> {
    let seen = 0;
    while (!signal.aborted) {
      if (seen === this.#version) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        continue;
      }
      seen = this.#version;
      const step = this.#current!;
      this.#note(step);
      if ('ends' in step) {
        if (step.ends === 'returns') return;
        throw failure('EAI_FAIL', 'the resolver throws');
      }
      yield this.#resolutionOf(step);
      this.#onSaid();
    }
  }

  #resolutionOf(step: Exclude<DiscoveryStep, { ends: unknown }>): Resolution {
    const { time } = this.#scene.world;
    if ('error' in step) return { error: failure(step.error), source: 'simulated', askedAt: time.now() - 1 };
    const { pods, virtual = false, withdrawn = false, passive = false, validFor, relents = false } = step;
    return {
      endpoints: virtual
        ? [{ address: VIRTUAL, port: PORT }]
        : pods.map((id) => this.#endpointOf(id, step.generation)),
      source: 'simulated',
      here: { zone: this.#scene.scenario.zone },
      virtual,
      withdrawn,
      passive,
      pushed: step.pushed ?? false,
      ...(validFor !== undefined && { validUntil: time.now() + validFor }),
      onUnreachable: () => {
        if (relents) time.arrive(micros(RELENTS_AFTER), this, SAYS_AGAIN);
        return relents;
      },
      onSlow: () => {},
    };
  }

  #endpointOf(id: number, generation: number | undefined): EndpointAddress {
    const { zone, weight } = this.#scene.pods[id]!.plan;
    return {
      address: addressOf(id),
      port: PORT,
      ...(generation !== undefined && { id: `${id}-${generation}` }),
      ...(zone !== undefined && { zone }),
      ...(weight !== undefined && { weight }),
    };
  }

  #note(step: DiscoveryStep): void {
    const { trace, time } = this.#scene.world;
    if (!trace.notes) return;
    const { at: _, ...said } = step;
    trace.note(time.micros, 'discovery', -1, -1, -1, JSON.stringify(said));
  }
}
