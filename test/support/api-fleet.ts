import { setImmediate } from 'node:timers/promises';
import type { ApiResponse, ApiTransport } from '../../src/core/discovery/kubernetes/api.ts';
import { ApiClient } from '../../src/core/discovery/kubernetes/api-client.ts';
import { ListWatch } from '../../src/core/discovery/kubernetes/list-watch.ts';
import { FakeClock } from './clock.ts';

export interface Outage {
  clients: number;
  /** Milliseconds for which the API server is away. */
  duration: number;
  random: () => number;
}

/**
 * Clients that all watch one API server, which goes away and comes back with another history. Returns when each
 * has listed anew: milliseconds after the return, in order. Time and network are simulated.
 */
export async function relistsAfter({ clients, duration, random }: Outage): Promise<number[]> {
  const clock = new FakeClock();
  const server = new FleetServer();
  const abort = new AbortController();
  const relists: number[] = [];
  let returned = Number.POSITIVE_INFINITY;
  for (let client = 0; client < clients; client++) {
    let lists = 0;
    const listWatch = new ListWatch({
      client: new ApiClient(server, clock),
      path: '/slices?labelSelector=orders',
      clock,
      random,
      startSpread: 1_000,
      isHopeless: () => false,
      listener: {
        onList: () => {
          if (lists++ > 0) relists.push(clock.now() - returned);
        },
        onEvents: () => {},
        onOpen: () => {},
        onFailure: () => {},
      },
    });
    void listWatch.run(abort.signal);
  }
  const pass = async (time: number) => {
    for (const end = clock.now() + time; clock.now() < end; ) {
      clock.advance(100);
      await setImmediate();
    }
  };
  await pass(5_000);
  server.goAway();
  await pass(duration);
  server.comeBack();
  returned = clock.now();
  while (relists.length < clients && clock.now() < returned + 120_000) await pass(1_000);
  abort.abort();
  return relists;
}

class FleetServer implements ApiTransport {
  readonly namespace = undefined;
  #version = 100;
  #away = false;
  #gone = Promise.withResolvers<never>();

  goAway(): void {
    this.#away = true;
    this.#gone.promise.catch(() => {});
    this.#gone.reject(new Error('socket hang up'));
  }

  comeBack(): void {
    this.#away = false;
    this.#version += 1_000;
    this.#gone = Promise.withResolvers();
  }

  async get(path: string): Promise<ApiResponse> {
    if (this.#away) throw new Error('connect ECONNREFUSED');
    const { searchParams } = new URL(path, 'https://api');
    const version = this.#version;
    if (searchParams.get('watch') !== '1')
      return answer({ metadata: { resourceVersion: String(version) }, items: [] });
    if (Number(searchParams.get('resourceVersion')) < version) {
      return answer({ type: 'ERROR', object: { code: 410, message: 'too old resource version' } });
    }
    return { status: 200, retryAfter: undefined, body: endless(this.#gone.promise) };
  }
}

function answer(value: object): ApiResponse {
  const body = (async function* () {
    yield Buffer.from(`${JSON.stringify(value)}\n`);
  })();
  return { status: 200, retryAfter: undefined, body };
}

async function* endless(gone: Promise<never>): AsyncGenerator<Uint8Array> {
  yield await gone;
}
