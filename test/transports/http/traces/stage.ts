import http, {
  type Agent,
  type AgentOptions,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { ScriptedServer, Seen } from './scripted-server.ts';
import { caller, Trace } from './trace.ts';

/** A way to make requests: with which agents. */
export interface Way {
  readonly address: string;
  /** The certificate of the server, if it has one. */
  readonly ca: string | undefined;
  /** An agent with these options of Node's own. */
  agent(options: AgentOptions): Agent;
  /** Whatever is done before a scenario, and after it, when its agent has ended. */
  begin?(): void;
  end?(): Promise<void>;
}

/** What is compared. */
export interface Told {
  readonly entries: readonly string[];
  readonly seen: readonly Seen[];
}

/** Milliseconds after which a request is taken for one that never ends. */
const PATIENCE = 3_000;

/** Where a scenario is played. */
export class Stage {
  readonly server: ScriptedServer;
  trace = new Trace();
  readonly way: Way;
  readonly #options: AgentOptions;
  #agent: Agent | undefined;
  readonly #closed = new Map<string, Promise<unknown>>();

  constructor(server: ScriptedServer, way: Way, options: AgentOptions) {
    this.server = server;
    this.way = way;
    this.#options = options;
    way.begin?.();
  }

  /** Made when a scenario first needs it: some make requests without. */
  get agent(): Agent {
    return (this.#agent ??= this.way.agent(this.#options));
  }

  /** Makes a request as somebody called `label`. Its `'error'` is listened to; nothing else is. */
  request(
    options: RequestOptions = {},
    label = 'a',
    onResponse?: (response: IncomingMessage) => void,
  ): ClientRequest {
    const { address, ca } = this.way;
    const given = {
      host: address,
      port: this.server.port,
      agent: this.agent,
      ...(ca !== undefined && { ca, servername: 'traces.test' }),
      ...options,
    };
    return caller.run(label, () => {
      const request = (ca === undefined ? http : https).request(given, onResponse);
      this.trace.follow(request, label);
      request.on('error', () => {});
      this.#closed.set(label, event(request, 'close'));
      return request;
    });
  }

  /** Has the agent make a connection, which idles then; nobody is told of that. */
  async warmUp(): Promise<void> {
    this.get({}, 'before');
    await this.closed('before');
    await this.settle();
    this.#closed.clear();
    this.trace.conclude();
    this.trace = new Trace();
  }

  /** A request whose response is read to its end. */
  get(options: RequestOptions = {}, label = 'a'): ClientRequest {
    return this.request(options, label, (response) => response.resume()).end();
  }

  note(entry: string): void {
    this.trace.note(entry);
  }

  /** Ends when a request has closed. */
  async closed(label = 'a'): Promise<void> {
    await this.#inTime(this.#closed.get(label)!, `'close' of ${label}`);
  }

  async until(emitter: NodeJS.EventEmitter, name: string): Promise<void> {
    await this.#inTime(event(emitter, name), `'${name}'`);
  }

  async response(request: ClientRequest): Promise<IncomingMessage> {
    const response = Promise.withResolvers<IncomingMessage>();
    request.once('response', response.resolve);
    return response.promise;
  }

  /** Lets what is due happen: what idles becomes free one tick after its end. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await delay(0);
  }

  async end(): Promise<Told> {
    for (const label of this.#closed.keys()) await this.closed(label);
    await this.settle();
    this.trace.conclude();
    this.#agent?.destroy();
    await this.way.end?.();
    await this.#inTime(this.server.allClosed(), 'the end of all connections');
    const { entries } = this.trace;
    return withoutPort({ entries, seen: this.server.seen }, this.server.port);
  }

  async #inTime(promise: Promise<unknown>, what: string): Promise<void> {
    const patience = new AbortController();
    const late = delay(PATIENCE, 'late', { signal: patience.signal, ref: true }).catch(() => {});
    if ((await Promise.race([promise.catch(() => {}), late])) === 'late') this.note(`NEVER: ${what}`);
    patience.abort();
  }
}

/** The server's port is another each time. */
function withoutPort(told: Told, port: number): Told {
  return JSON.parse(JSON.stringify(told).replaceAll(String(port), 'PORT')) as Told;
}

/** Unlike `once` of node:events, an `'error'` ends nothing. */
function event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown> {
  return new Promise((resolve) => {
    emitter.once(name, resolve);
  });
}
