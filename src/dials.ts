import type { Socket } from 'node:net';
import type { Clock, Timer } from './clock.ts';
import type { Dial, Dialer } from './dialer.ts';
import type { Endpoint } from './endpoint.ts';

/** How often a dial looks whether anybody still needs it: a pending one keeps the process alive. */
const CHECK_INTERVAL = 700;

interface DialUnderWay {
  dial: Dial;
  check: Timer | undefined;
}

export interface DialsOptions {
  dialer: Dialer;
  clock: Clock;
  /** Whether a request waits or is in flight. */
  isNeeded: () => boolean;
  onConnected: (endpoint: Endpoint, socket: Socket) => void;
  onFailed: (endpoint: Endpoint, error: Error) => void;
  onAbandoned: (endpoint: Endpoint) => void;
}

/** The dials under way, each counted as load of its endpoint. */
export class Dials {
  readonly #options: DialsOptions;
  readonly #underWay = new Map<DialUnderWay, Endpoint>();

  constructor(options: DialsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#underWay.size;
  }

  start(endpoint: Endpoint): void {
    const { dialer, onConnected, onFailed } = this.#options;
    endpoint.dialing++;
    endpoint.load++;
    const entry: DialUnderWay = {
      check: undefined,
      dial: dialer.dial(endpoint, (error, socket) => {
        this.#end(entry);
        if (socket !== undefined) onConnected(endpoint, socket);
        else onFailed(endpoint, error!);
      }),
    };
    this.#underWay.set(entry, endpoint);
    this.#checkLater(entry);
  }

  /** Gives up the dials to one endpoint, or all. */
  abandon(endpoint?: Endpoint): void {
    for (const [entry, dialled] of this.#underWay) {
      if (endpoint === undefined || dialled === endpoint) this.#abandon(entry, dialled);
    }
  }

  #checkLater(entry: DialUnderWay): void {
    entry.check = this.#options.clock.schedule(() => {
      if (this.#options.isNeeded()) this.#checkLater(entry);
      else this.#abandon(entry, this.#underWay.get(entry)!);
    }, CHECK_INTERVAL);
  }

  #abandon(entry: DialUnderWay, endpoint: Endpoint): void {
    entry.dial.abandon();
    this.#end(entry);
    this.#options.onAbandoned(endpoint);
  }

  #end(entry: DialUnderWay): void {
    const endpoint = this.#underWay.get(entry)!;
    this.#underWay.delete(entry);
    entry.check?.cancel();
    endpoint.dialing--;
    endpoint.load--;
  }
}
