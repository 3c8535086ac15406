import { channels } from '../../src/core/base/channels.ts';
import type { Scene } from './scene.ts';
import type { Fact } from './trace.ts';

type Told = 'endpointEject' | 'endpointRestore' | 'endpointRemove' | 'connectionRetire';

const FACTS: Readonly<Record<Told, Fact>> = {
  endpointEject: 'ejected',
  endpointRestore: 'restored',
  endpointRemove: 'removed',
  connectionRetire: 'retired',
};

interface Message {
  readonly address: string;
  readonly reason: string;
  readonly duration?: number;
}

/** Puts into the story what the core tells on its channels. */
export class Telling {
  readonly #listeners: (readonly [Told, (message: unknown) => void])[];

  constructor({ world }: Scene) {
    this.#listeners = Object.entries(FACTS).map(([name, fact]) => {
      const listener = (message: unknown) => {
        const { address, reason, duration } = message as Message;
        const lasts = duration === undefined ? '' : ` ${Math.round(duration)} ms`;
        world.trace.note(world.time.micros, fact, -1, -1, -1, `${address} ${reason}${lasts}`);
      };
      channels[name as Told].subscribe(listener);
      return [name as Told, listener];
    });
  }

  stop(): void {
    for (const [name, listener] of this.#listeners) channels[name].unsubscribe(listener);
  }
}
