import type { Actor } from './agenda.ts';
import type { SimulatedPod } from './pod.ts';
import type { Happening } from './scenario.ts';
import type { Scene } from './scene.ts';
import { micros } from './time.ts';

/** Has things happen to pods, and to this process, at their times. */
export class Happenings implements Actor {
  readonly #scene: Scene;
  #isOver = false;

  constructor(scene: Scene) {
    this.#scene = scene;
    const { time } = scene.world;
    for (const happening of scene.scenario.happenings) {
      // What happens to this process happens where it runs.
      if ('pod' in happening) time.inWorld(micros(happening.at), this, 0, happening);
      else time.arrive(micros(happening.at), this, 0, happening);
    }
  }

  happen(_what: number, data: unknown): void {
    const happening = data as Happening;
    const { pods, world } = this.#scene;
    const { trace, time } = world;
    if (trace.notes) {
      const pod = 'pod' in happening ? happening.pod : -1;
      const more =
        'reaction' in happening
          ? ` ${happening.reaction ?? 'as usual'}`
          : 'for' in happening
            ? ` for ${happening.for} ms`
            : '';
      trace.note(time.micros, 'happening', -1, -1, pod, `${happening.what}${more}`);
    }
    if ('pod' in happening) act(happening, pods[happening.pod]!);
    // Rest, or the end, is waited for: no time is to be lost.
    else if (this.#isOver || this.#scene.closingAt >= 0) return;
    else if (happening.what === 'jump') time.jump(micros(happening.for));
    else time.standStill(micros(happening.for));
  }

  /** All that holds pods up is over: what goes on comes to its end. */
  relieve(): void {
    this.#isOver = true;
    for (const pod of this.#scene.pods) {
      pod.reconnect();
      pod.thaw();
      pod.reaction = undefined;
      pod.isRelieved = true;
    }
    // Nobody looks for pods that vanish after the end: what waits for them is left to its callers' patience.
    if (this.#scene.closingAt >= 0) for (const wire of this.#scene.world.wires) wire.giveUp();
  }
}

function act(happening: Extract<Happening, { pod: number }>, pod: SimulatedPod): void {
  switch (happening.what) {
    case 'die':
      pod.die();
      break;
    case 'restart':
      pod.die();
      pod.revive();
      break;
    case 'revive':
      pod.revive();
      break;
    case 'freeze':
      pod.freeze();
      break;
    case 'thaw':
      pod.thaw();
      break;
    case 'cut-off':
      pod.cutOff();
      break;
    case 'reconnect':
      pod.reconnect();
      break;
    case 'refuse-dials':
      pod.dials = 'refused';
      break;
    case 'ignore-dials':
      pod.dials = 'ignored';
      break;
    case 'take-dials':
      pod.dials = 'taken';
      break;
    case 'go-away':
      pod.goAway();
      break;
    case 'react':
      pod.reaction = happening.reaction;
      break;
    case 'lose':
      pod.lose();
      break;
  }
}
