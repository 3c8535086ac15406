import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { Revision } from './revision.ts';

type Handler = Dispatcher.DispatchHandler;
type Dispatch = (options: Dispatcher.DispatchOptions, handler: Handler) => unknown;

const ORIGIN = 'http://orders.prod';
const OPTIONS: Dispatcher.DispatchOptions = { origin: ORIGIN, path: '/', method: 'GET' };
const HEADERS = { 'content-type': 'text/plain' };
const BODY = Buffer.from('here');
const PODS = 5;
/** Times that each connection has a request before any is measured. */
const WARM_UP = 10;

/** What undici would have sent: it is answered when it is its turn. */
let sent: Handler[] = [];

const controller: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  rawHeaders: [],
  rawTrailers: [],
  abort() {},
  pause() {},
  resume() {},
};

/** From now on undici's Clients, of all builds in this process, do nothing with what they are given. */
export function quietClients(): void {
  Client.prototype.dispatch = takeIn as Client['dispatch'];
}

/** As an HTTP/1.1 Client, which takes one at a time. */
function takeIn(_options: Dispatcher.DispatchOptions, handler: Handler): boolean {
  sent.push(handler);
  return false;
}

function answer(handler: Handler): void {
  handler.onRequestStart!(controller, null);
  handler.onRequestSent?.();
  handler.onResponseStarted?.();
  handler.onResponseStart!(controller, 200, HEADERS, 'OK');
  handler.onResponseData!(controller, BODY);
  handler.onResponseEnd!(controller, {});
}

/** A caller's. */
class Caller implements Handler {
  statusCode = 0;
  bytes = 0;
  onRequestStart(): void {}
  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    this.statusCode = statusCode;
  }
  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
  }
  onResponseEnd(): void {}
  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    throw error;
  }
}

/** Sends `calls` calls, `concurrency` at a time; they are answered in order. */
export type Run = (calls: number, concurrency: number) => Promise<void>;

/** By nobody but the bench itself: what others take beyond that is theirs. */
export const runBare: Run = runnerOf(takeIn);

/** By an agent of a revision whose connections to five pods are made, and were used. Before `quietClients`. */
export async function runnerFor(
  { package: { BalancedAgent, staticResolver } }: Revision,
  connections: number,
): Promise<Run> {
  const port = await listening();
  const agent = new BalancedAgent({
    discovery: staticResolver(
      Array.from({ length: PODS }, (_, n) => ({ address: `127.0.9.${n + 1}`, port })),
    ),
    // They last as long as the bench does.
    maxConnectionDuration: 0,
    keepAliveTimeout: 600_000,
  });
  for (let n = 0; n < WARM_UP; n++) {
    await Promise.all(
      Array.from({ length: connections }, async () => (await agent.request({ ...OPTIONS })).body.dump()),
    );
  }
  return runnerOf((options, handler) => agent.dispatch(options, handler));
}

let server: Server | undefined;

async function listening(): Promise<number> {
  if (server === undefined) {
    server = createServer((_request, response) => response.end('here')).listen(0, '0.0.0.0');
    server.keepAliveTimeout = 0;
    server.unref();
    await once(server, 'listening');
  }
  return (server.address() as AddressInfo).port;
}

function runnerOf(dispatch: Dispatch): Run {
  return async (calls, concurrency) => {
    let [begun, ended] = [0, 0];
    const begin = (): void => {
      if (begun++ < calls) dispatch(OPTIONS, new Caller());
    };
    for (let n = 0; n < concurrency; n++) begin();
    while (ended < calls) {
      const batch = sent;
      sent = [];
      for (const handler of batch) {
        answer(handler);
        ended++;
        begin();
      }
      // As between two reads of a socket; what waits for a turn of the loop, as after a pause, has it.
      await (sent.length > 0 ? null : new Promise(setImmediate));
    }
  };
}
