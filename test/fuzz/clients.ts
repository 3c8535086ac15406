// The two clients of each transport: stock's, and ours.
import http, { type AgentOptions } from 'node:http';
import https from 'node:https';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../../src/core/base/clock.ts';
import type { Resolver } from '../../src/core/discovery/resolver.ts';
import { BalancedHttpAgent, BalancedHttpsAgent } from '../../src/http.ts';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import type { Caller } from './caller.ts';
import { Dice } from './dice.ts';
import { HttpCaller } from './http-caller.ts';
import { type Pods, theCertificate } from './pods.ts';
import type { Call, Scenario } from './scenario.ts';
import { UndiciCaller } from './undici-caller.ts';

export type ClientName = 'stock' | 'ours';

/** A client as it is played. */
export interface Client {
  /** The origin that its stats are asked for. */
  readonly origin: string;
  /** What ours counts. */
  readonly stats: BalancedAgent['stats'] | undefined;
  /** Somebody who makes one call after the other, and may reuse what these are made of. */
  worker(): (call: Call) => Caller;
  onDrain(listener: () => void): void;
  /** Ends it, when all calls have ended. */
  close(calls: Promise<unknown>): Promise<unknown>;
  destroy(): Promise<unknown>;
}

/** What ours is given besides the options of a scenario. */
export interface OwnParts {
  readonly resolver: Resolver;
  readonly clock: Clock;
}

const TURNS = 5;
const HOST = 'pods.fuzz';

export function startClient(name: ClientName, scenario: Scenario, pods: Pods, own: OwnParts): Client {
  const dice = new Dice(scenario.seed);
  const ours = { ...scenario.own, discovery: own.resolver, clock: own.clock, random: dice.next };
  if (scenario.transport === 'http')
    return new HttpClient(scenario, pods, name === 'ours' ? ours : undefined);
  return new UndiciClient(scenario, pods, name === 'ours' ? ours : undefined);
}

/** Stock has the first pod alone. */
function lookupOf(pods: Pods) {
  const [address] = pods.addresses;
  return (_name: string, options: { all?: boolean }, callback: (...found: unknown[]) => void) => {
    if (options.all) callback(null, [{ address, family: 4 }]);
    else callback(null, address, 4);
  };
}

class UndiciClient implements Client {
  readonly origin: string;
  readonly #dispatcher: Dispatcher;

  /** @param own the options of ours alone; none: stock's */
  constructor(scenario: Scenario, pods: Pods, own: object | undefined) {
    const { protocol, shared } = scenario;
    this.origin = `${protocol === 'h2' ? 'https' : 'http'}://${HOST}:${pods.port}`;
    const { pingInterval, ...rest } = shared;
    const h2 = {
      ...(protocol === 'h2c' && { useH2c: true }),
      ...(pingInterval !== undefined && { pingInterval }),
    };
    const options = {
      ...rest,
      ...(protocol === 'h1' && { allowH2: false }),
      ...(Object.keys(h2).length > 0 && { h2Options: h2 }),
    };
    const tls = protocol === 'h2' ? { ca: theCertificate().cert } : undefined;
    const connect = { ...tls, lookup: lookupOf(pods), ...(protocol === 'h2c' && { useH2c: true }) };
    this.#dispatcher =
      own === undefined
        ? new Agent({ ...options, connect } as never)
        : new BalancedAgent({ ...options, ...(tls && { connect: tls }), ...own } as never);
  }

  get stats(): BalancedAgent['stats'] | undefined {
    return this.#dispatcher instanceof BalancedAgent ? this.#dispatcher.stats : undefined;
  }

  worker(): (call: Call) => Caller {
    const context = { dispatcher: this.#dispatcher, origin: this.origin, options: {} as never, headers: {} };
    return (call) => new UndiciCaller(call, context);
  }

  onDrain(listener: () => void): void {
    this.#dispatcher.on('drain', listener);
  }

  close(): Promise<unknown> {
    return this.#dispatcher.close();
  }

  destroy(): Promise<unknown> {
    return this.#dispatcher.destroy();
  }
}

class HttpClient implements Client {
  readonly origin: string;
  readonly #agent: http.Agent;
  readonly #balanced: BalancedHttpAgent | BalancedHttpsAgent | undefined;
  readonly #secure: boolean;
  readonly #port: number;

  constructor({ shared, secure = false }: Scenario, pods: Pods, own: object | undefined) {
    this.#port = pods.port;
    this.#secure = secure;
    this.origin = `${secure ? 'https' : 'http'}://${HOST}:${pods.port}`;
    const options: AgentOptions = {
      keepAlive: true,
      ...(secure && { ca: theCertificate().cert }),
      ...(typeof shared.connections === 'number' && { maxSockets: shared.connections }),
    };
    if (own === undefined) {
      const Agent = secure ? https.Agent : http.Agent;
      this.#agent = new Agent({ ...options, lookup: lookupOf(pods) } as AgentOptions);
    } else {
      const Balanced = secure ? BalancedHttpsAgent : BalancedHttpAgent;
      this.#agent = this.#balanced = new Balanced({ ...options, ...own } as never);
    }
  }

  get stats(): BalancedAgent['stats'] | undefined {
    return this.#balanced?.stats;
  }

  worker(): (call: Call) => Caller {
    const context = {
      agent: this.#agent,
      secure: this.#secure,
      host: HOST,
      port: this.#port,
      options: {},
      headers: {},
    };
    return (call) => new HttpCaller(call, context);
  }

  onDrain(): void {}

  async close(calls: Promise<unknown>): Promise<void> {
    if (this.#balanced !== undefined) {
      await this.#balanced.close();
      return;
    }
    await calls;
    this.#agent.destroy();
  }

  async destroy(): Promise<void> {
    this.#agent.destroy();
    // Its sockets say that they have closed a few turns of the loop later.
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  }
}
