import type { Agent } from 'node:http';
import type { Clock } from '../../../core/base/clock.ts';
import { QueueFullError } from '../../../core/base/errors.ts';
import type { Known, Pending, Verdicts } from '../../global/verdicts.ts';
import { addTo, removeFrom } from '../agent-maps.ts';
import { AgentRequests } from '../agent-requests.ts';
import { endUnconnected, endUnsent, publishStart } from '../failures.ts';
import { holdWrites } from '../held-writes.ts';
import type { HttpServices } from '../http-services.ts';
import {
  agentPrototype,
  asNodeAgent,
  type NodeAgent,
  type NodeRequest,
  type RequestOptions,
  serveWaiting,
} from '../node-http.ts';
import { StandIn } from '../stand-in.ts';
import { Waiting } from '../waiting.ts';
import { isLeftToNode } from './left-to-node.ts';

export interface RedirectOptions {
  readonly services: HttpServices;
  readonly verdicts: Verdicts;
  readonly clock: Clock;
  /** How many requests to one host may wait for its verdict. */
  readonly maxHeld: number;
}

/** For how many hosts the result is kept. */
const MOST_FOUND = 256;

/** The result for the last origin of a host. */
interface Found {
  readonly protocol: string;
  readonly port: number | string;
  readonly known: Known;
}

/**
 * Takes requests to managed hosts from Node's own agents. Leaves a request to its agent if the agent or the request has
 * something of its own: hooks, a lookup, a proxy, or no keep-alive.
 */
export class Redirect {
  readonly #options: RedirectOptions;
  /** By agent, because each agent has its own limits. */
  readonly #requests = new WeakMap<Agent, AgentRequests>();
  #lastAgent: Agent | undefined;
  #lastRequests: AgentRequests | undefined;
  /** The results by host, because making an origin costs more than all else here. */
  readonly #found = new Map<string, Found>();
  #released = false;

  constructor(options: RedirectOptions) {
    this.#options = options;
  }

  /** Takes a request of an agent. Returns false if the agent must send it. */
  take(agent: Agent, request: NodeRequest, options: RequestOptions): boolean {
    const { protocol } = asNodeAgent(agent);
    const { host, port } = options;
    const found = this.#foundOf(protocol, host, port);
    // Nothing more is checked for hosts that aren't managed: that may be most requests of a process.
    if (found?.name === 'foreign' || isLeftToNode(agent, options)) return false;
    const known = found ?? this.#verdictOn(protocol, host, port);
    if (known.name === 'managed') return this.#requestsOf(agent).take(request, options);
    if (known.name === 'foreign') return false;
    this.#hold(known, agent, request, options);
    return true;
  }

  #foundOf(protocol: string, host: string, port: number | string): Known | undefined {
    const found = this.#found.get(host);
    if (found === undefined || found.port !== port || found.protocol !== protocol) return undefined;
    const { known } = found;
    if (known.name !== 'foreign') return known.name === 'managed' ? known : undefined;
    // While it is judged again, the verdict has no end, and another one will come.
    const { until } = known;
    return until !== Number.POSITIVE_INFINITY && this.#options.clock.now() < until ? known : undefined;
  }

  #verdictOn(protocol: string, host: string, port: number | string): Known {
    const known = this.#options.verdicts.on(`${protocol}//${hostOf(host)}:${port}`);
    if (this.#found.size >= MOST_FOUND) this.#found.clear();
    this.#found.set(host, { protocol, port, known });
    return known;
  }

  /** From now on, leaves all requests to their agents, also those that wait. */
  release(): void {
    this.#released = true;
  }

  #requestsOf(agent: Agent): AgentRequests {
    if (agent === this.#lastAgent) return this.#lastRequests!;
    let requests = this.#requests.get(agent);
    if (requests === undefined) {
      requests = new AgentRequests(asNodeAgent(agent), this.#options.services, false);
      this.#requests.set(agent, requests);
    }
    this.#lastAgent = agent;
    this.#lastRequests = requests;
    return requests;
  }

  /** Keeps a request until there is a verdict on its host. */
  #hold(pending: Pending, agent: Agent, request: NodeRequest, options: RequestOptions): void {
    const { maxHeld, clock } = this.#options;
    if (pending.held >= maxHeld) {
      const message = `${pending.held} requests wait for their name to be looked up`;
      endUnsent(request, new QueueFullError(message));
      return;
    }
    pending.held++;
    process.nextTick(holdWrites, request);
    const node = asNodeAgent(agent);
    let ended = false;
    const waiting = new Waiting(request, {
      clock,
      timeout: request.timeout ?? timeoutOf(node),
      onDestroyed: () => {
        ended = true;
        stop();
        waiting.run(() => {
          publishStart(request);
          endUnconnected(request);
        });
        serveWaiting(node, name);
      },
    });
    const standIn = new StandIn(waiting, { clock, secure: node.protocol === 'https:', isRepeat: false });
    const name = node.getName(options);
    addTo(node.sockets, name, standIn.socket);
    const stop = () => {
      waiting.stop();
      standIn.stop();
      removeFrom(node.sockets, name, standIn.socket);
    };
    const settled = pending.settled.then((verdict) => {
      pending.held--;
      if (!ended) stop();
      return verdict;
    });
    // Not before all held requests have left the agent's map, from which Node sees that there are enough sockets.
    void settled.then((verdict) => {
      if (ended) return;
      const isManaged = verdict.name === 'managed' && !this.#released;
      waiting.run(() => {
        try {
          if (isManaged) this.#requestsOf(agent).retake(request, options);
          else agentPrototype.addRequest.call(agent, request, options);
        } catch (error) {
          // Node doesn't accept an option.
          endUnsent(request, error as Error);
        }
      });
    });
  }
}

function timeoutOf({ options }: NodeAgent): number {
  return (options.timeout as number | undefined) || 0;
}

function hostOf(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
