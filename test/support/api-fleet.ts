import { setImmediate } from 'node:timers/promises';
import type { ApiResponse, ApiTransport } from '../../src/core/discovery/kubernetes/api.ts';
import { ApiClient, type WatchListener } from '../../src/core/discovery/kubernetes/api-client.ts';
import { ListWatch } from '../../src/core/discovery/kubernetes/list-watch.ts';
import { Scouts } from '../../src/core/discovery/kubernetes/scouts.ts';
import { FakeClock } from './clock.ts';

export interface Outage {
  clients: number;
  /** What each of them watches. */
  watches?: number;
  /** Milliseconds for which the API server is away. */
  duration: number;
  /** Status with which it answers then; it refuses connections without. */
  status?: number;
  /** What it knew before, it knows after. */
  keepsHistory?: boolean;
  random: () => number;
}

/**
 * Clients that all watch one API server, which goes away and comes back. Returns how many requests it had meanwhile, and
 * when what is watched was listed anew, and was open again: milliseconds after the return, in order. Time and network
 * are simulated.
 */
export async function liveThrough(
  outage: Outage,
): Promise<{ asked: number; relists: number[]; opens: number[] }> {
  const { clients, watches = 1, duration, status, keepsHistory = false, random } = outage;
  const clock = new FakeClock();
  const server = new FleetServer();
  const abort = new AbortController();
  const relists: number[] = [];
  const opens: number[] = [];
  let returned = Number.POSITIVE_INFINITY;
  for (let client = 0; client < clients; client++) {
    const scouts = new Scouts(clock);
    for (let watch = 0; watch < watches; watch++) {
      let lists = 0;
      const listener: WatchListener<object> = {
        onList: () => {
          if (lists++ > 0) relists.push(clock.now() - returned);
        },
        onEvents: () => {},
        onOpen: () => {
          if (clock.now() >= returned) opens.push(clock.now() - returned);
        },
        onFailure: () => {},
      };
      const listWatch = new ListWatch({
        client: new ApiClient(server, clock),
        path: '/slices?labelSelector=orders',
        clock,
        random,
        startSpread: 1_000,
        isHopeless: () => false,
        scouts,
        listener,
      });
      void listWatch.run(abort.signal);
    }
  }
  const pass = async (time: number) => {
    for (const end = clock.now() + time; clock.now() < end; ) {
      clock.advance(100);
      await setImmediate();
    }
  };
  await pass(5_000);
  server.goAway(status);
  await pass(duration);
  const { asked } = server;
  server.comeBack(keepsHistory);
  returned = clock.now();
  const back = keepsHistory ? opens : relists;
  while (back.length < clients * watches && clock.now() < returned + 120_000) await pass(1_000);
  abort.abort();
  return { asked, relists, opens };
}

class FleetServer implements ApiTransport {
  readonly namespace = undefined;
  #version = 100;
  #away = false;
  #status: number | undefined;
  /** Requests that came while it was away. */
  asked = 0;
  #gone = Promise.withResolvers<never>();

  /** With `status`, it answers so; else it refuses connections. */
  goAway(status: number | undefined): void {
    this.#away = true;
    this.#status = status;
    this.#gone.promise.catch(() => {});
    this.#gone.reject(new Error('socket hang up'));
  }

  comeBack(keepsHistory: boolean): void {
    this.#away = false;
    if (!keepsHistory) this.#version += 1_000;
    this.#gone = Promise.withResolvers();
  }

  async get(path: string): Promise<ApiResponse> {
    if (this.#away) this.asked++;
    if (this.#away && this.#status !== undefined) return answer({ message: 'not yet' }, this.#status);
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

function answer(value: object, status = 200): ApiResponse {
  const body = (async function* () {
    yield Buffer.from(`${JSON.stringify(value)}\n`);
  })();
  return { status, retryAfter: undefined, body };
}

async function* endless(gone: Promise<never>): AsyncGenerator<Uint8Array> {
  yield await gone;
}
