import { Client, Dispatcher } from 'undici';
import { BarePods } from './bare-pods.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

interface Pod {
  readonly origin: string;
  readonly idle: Client[];
  inFlight: number;
}

/**
 * The least that a balancer over undici does: it looks for the pod with the fewest requests in flight, takes an idle
 * connection of it, and learns of the end of each request. It knows no failure, no limit, no age, and no discovery.
 */
export class BareBalancer extends Dispatcher {
  readonly #pods: BarePods<Pod>;

  constructor(endpoints: readonly { address: string; port: number }[]) {
    super();
    this.#pods = new BarePods(
      endpoints.map(({ address, port }) => ({ origin: `http://${address}:${port}`, idle: [], inFlight: 0 })),
    );
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Handler): boolean {
    const pod = this.#pods.pick();
    const client = pod.idle.pop() ?? new Client(pod.origin);
    pod.inFlight++;
    return client.dispatch(options, new Passing(handler, pod, client));
  }

  override async close(): Promise<void> {
    await Promise.all(this.#pods.all.flatMap(({ idle }) => idle.map((client) => client.close())));
  }
}

/** Passes on what the Client tells, and gives the connection back at the end. */
class Passing implements Handler {
  readonly #handler: Handler;
  readonly #pod: Pod;
  readonly #client: Client;

  constructor(handler: Handler, pod: Pod, client: Client) {
    this.#handler = handler;
    this.#pod = pod;
    this.#client = client;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onResponseStart(
    controller: Controller,
    statusCode: number,
    headers: Headers,
    statusMessage?: string,
  ): void {
    this.#handler.onResponseStart?.(controller, statusCode, headers, statusMessage);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: Headers): void {
    this.#handler.onResponseEnd?.(controller, trailers);
    this.#end();
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#handler.onResponseError?.(controller, error);
    this.#end();
  }

  #end(): void {
    this.#pod.inFlight--;
    this.#pod.idle.push(this.#client);
  }
}
