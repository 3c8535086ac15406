import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Dispatcher, WebSocket } from 'undici';
import { flatOut } from '../../../bench/support/load.ts';
import { quantile } from '../../../bench/support/statistics.ts';
import { WatchedRequest } from './dial-watch.ts';

/** What became of a load. */
export interface LoadReport {
  requests: number;
  /** Requests that waited on a dial. */
  waited: number;
  /** Errors, each with how often it came. */
  failures: Record<string, number>;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

let paths = 0;

/** A client as an app has one: one dispatcher, one origin. */
export class LoadClient {
  readonly dispatcher: Dispatcher;
  readonly #origin: string;
  readonly #webSockets: WebSocket[] = [];

  constructor(dispatcher: Dispatcher, origin: string) {
    this.dispatcher = dispatcher;
    this.#origin = origin;
  }

  /**
   * Sends `rate` requests a second at even distances. No more than `atOnce` are under way at a time: what a
   * stall of this machine holds up comes late, and not in a burst that no number of connections is ready for.
   */
  steady(rate: number, seconds: number, atOnce: number): Promise<LoadReport> {
    return this.#report((send) => steadily(send, rate, seconds, atOnce));
  }

  /** Sends so many requests at once, some times, with so many seconds from one burst to the next. */
  bursts(size: number, times: number, seconds: number): Promise<LoadReport> {
    return this.#report(async (send) => {
      for (let n = 0; n < times; n++) {
        if (n > 0) await delay(seconds * 1_000);
        await Promise.all(Array.from({ length: size }, send));
      }
    });
  }

  /** Sends `requests` requests, `concurrency` at a time. */
  flatOut(requests: number, concurrency: number): Promise<LoadReport> {
    return this.#report((send) => flatOut(send, requests, concurrency));
  }

  /** Opens WebSockets, one after the other. */
  async openWebSockets(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const socket = new WebSocket(this.#origin.replace('http', 'ws'), { dispatcher: this.dispatcher });
      await once(socket, 'open');
      this.#webSockets.push(socket);
    }
  }

  /** Sends a message on each WebSocket, and returns how many brought it back. */
  async echoes(): Promise<number> {
    const open = this.#webSockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
    const echoed = open.map(async (socket) => {
      socket.send('hello');
      const [{ data }] = (await once(socket, 'message')) as [{ data: unknown }];
      return data === 'hello';
    });
    return (await Promise.all(echoed)).filter(Boolean).length;
  }

  async #report(load: (send: () => Promise<void>) => Promise<void>): Promise<LoadReport> {
    const times: number[] = [];
    const report: LoadReport = { requests: 0, waited: 0, failures: {}, p50: 0, p99: 0 };
    await load(async () => {
      report.requests++;
      const request = new WatchedRequest(`/${++paths}`);
      try {
        await this.#get(request.path);
      } catch (error) {
        report.failures[String(error)] = (report.failures[String(error)] ?? 0) + 1;
      }
      times.push(request.end());
      if (request.waitedOnDial) report.waited++;
    });
    return { ...report, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  }

  async #get(path: string): Promise<void> {
    const { statusCode, headers, body } = await this.dispatcher.request({
      origin: this.#origin,
      path,
      method: 'GET',
    });
    const text = await body.text();
    if (statusCode !== 200 || text !== headers['x-pod-name']) throw new Error(`${statusCode}: ${text}`);
  }
}

async function steadily(
  send: () => Promise<void>,
  rate: number,
  seconds: number,
  atOnce: number,
): Promise<void> {
  const start = performance.now();
  const underWay = new Set<Promise<void>>();
  for (let n = 0; n < rate * seconds; n++) {
    const early = start + (n * 1_000) / rate - performance.now();
    if (early > 0) await delay(early);
    if (underWay.size === atOnce) await Promise.race(underWay);
    const sent: Promise<void> = send().then(() => void underWay.delete(sent));
    underWay.add(sent);
  }
  await Promise.all(underWay);
}
