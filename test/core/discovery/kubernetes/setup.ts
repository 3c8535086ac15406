import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { Timer } from '../../../../src/core/base/clock.ts';
import type { Place } from '../../../../src/core/discovery/kubernetes/place.ts';
import type { Resolution } from '../../../../src/core/discovery/resolver.ts';
import type { KubernetesSettings } from '../../../../src/core/discovery/settings.ts';
import type { ApiServer } from '../../../support/api-server.ts';
import { FakeClock } from '../../../support/clock.ts';

/** Turns of the event loop that an answer of the API takes, and as many again. */
const ANSWER = 20;

/** A clock that stands still, and tells which delays are asked of it. */
export class WatchedClock extends FakeClock {
  /** Delays up to this many milliseconds pass by themselves, a turn of the loop later. */
  readonly #passes: number;
  readonly #asked = new EventEmitter();
  #delays: number[] = [];

  constructor({ passes = -1 } = {}) {
    super();
    this.#passes = passes;
  }

  override schedule(callback: () => void, delay: number): Timer {
    if (delay <= this.#passes) setImmediate(() => this.advance(delay));
    this.#delays.push(delay);
    queueMicrotask(() => this.#asked.emit('delay'));
    return super.schedule(callback, delay);
  }

  /** Resolves when a delay was asked for that lies in the range, since the last call. */
  async asked(from: number, to = from): Promise<number> {
    for (;;) {
      const index = this.#delays.findIndex((delay) => delay >= from && delay <= to);
      if (index !== -1) {
        const [delay] = this.#delays.splice(0, index + 1).slice(-1);
        return delay as number;
      }
      await once(this.#asked, 'delay');
    }
  }

  /** Lets time pass until something is so, and says how much: whoever waits has asked for a time of its own. */
  async passUntil(isSo: () => boolean, step = 500): Promise<number> {
    let passed = 0;
    for (; !isSo(); passed += step) {
      this.advance(step);
      // Long enough for an answer of the API; where all stands still, its turns of the event loop come after that.
      await sleep(10);
      for (let n = 0; n < ANSWER; n++) await turn();
    }
    return passed;
  }

  /** What was asked for until now is of no interest. */
  forget(): void {
    this.#delays = [];
  }

  /** Waits for a delay in the range, and lets it pass. */
  async pass(from: number, to = from): Promise<number> {
    const delay = await this.asked(from, to);
    this.advance(delay);
    return delay;
  }
}

export const NO_SETTINGS: KubernetesSettings = {
  kubeconfig: undefined,
  namespace: undefined,
  clusterDomain: undefined,
  zone: undefined,
  nodeName: undefined,
};

export interface TestPlace extends Place {
  readonly defaultKubeconfig: string;
  /** Writes what the kernel would say of listening sockets. */
  listen(...ports: number[]): void;
}

/** A pod of the namespace prod, on an API server's cluster if there is one. */
export function placeIn(t: TestContext, api?: ApiServer): TestPlace {
  const directory = mkdtempSync(join(tmpdir(), 'place-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const resolvConf = join(directory, 'resolv.conf');
  writeFileSync(
    resolvConf,
    'search prod.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  );
  const listen = (...ports: number[]) => writeFileSync(join(directory, 'tcp'), listenersOf(ports));
  listen();
  return {
    apiHost: api?.host,
    apiPort: api && String(api.port),
    serviceAccount: api?.serviceAccount ?? join(directory, 'none'),
    kubeconfig: undefined,
    defaultKubeconfig: join(directory, 'config'),
    resolvConf,
    podLabels: join(directory, 'labels'),
    procNet: directory,
    hostname: 'client-1',
    interfaces: {},
    listen,
  };
}

/** Waits until everything that is ready to run has run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

function listenersOf(ports: readonly number[]): string {
  const lines = ports.map((port, index) => {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    return `   ${index}: 0100007F:${hex} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n`;
  });
  return `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${lines.join('')}`;
}

type Endpoints = Extract<Resolution, { endpoints: unknown }>;

/** Reads what an async iterable yields, as it comes. */
export class Reader<T> {
  readonly values: T[] = [];
  readonly #arrivals = new EventEmitter();
  over = false;

  constructor(iterable: AsyncIterable<T>) {
    void this.#read(iterable);
  }

  get last(): T | undefined {
    return this.values.at(-1);
  }

  /** Resolves with the value of that number, from 1 on, when it is there. */
  async nth(count: number): Promise<T> {
    while (this.values.length < count) await once(this.#arrivals, 'value');
    return this.values[count - 1] as T;
  }

  /** Resolves with the first value from now on, or the last until now, that is as wanted. */
  async until(isWanted: (value: T) => boolean): Promise<T> {
    while (this.last === undefined || !isWanted(this.last)) await once(this.#arrivals, 'value');
    return this.last;
  }

  async end(): Promise<void> {
    while (!this.over) await once(this.#arrivals, 'value');
  }

  async #read(iterable: AsyncIterable<T>): Promise<void> {
    for await (const value of iterable) {
      this.values.push(value);
      this.#arrivals.emit('value');
    }
    this.over = true;
    this.#arrivals.emit('value');
  }
}

/** `address:port` of each endpoint, in order, or what else there is. */
export function text(resolution: Resolution): string {
  if ('error' in resolution) return `error: ${resolution.error.message}`;
  return resolution.endpoints.map(({ address, port }) => `${address}:${port}`).join(' ');
}

export function endpointsOf(resolution: Resolution): Endpoints {
  if ('error' in resolution) throw resolution.error;
  return resolution;
}
