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
  /** Requests to one host that may wait for the verdict on it. */
  readonly maxHeld: number;
}

/** Hosts of which it is kept at hand what was found. */
const MOST_FOUND = 256;

/** What was found of the last origin of a host. */
interface Found {
  readonly protocol: string;
  readonly port: number | string;
  readonly known: Known;
}

/**
 * Takes the requests to hosts that are managed from Node's own agents. What these, or their requests, have of their own is
 * left to them: hooks, a lookup, a proxy, and no keep-alive at all.
 */
export class Redirect {
  readonly #options: RedirectOptions;
  /** By agent, as each has limits of its own. */
  readonly #requests = new WeakMap<Agent, AgentRequests>();
  #lastAgent: Agent | undefined;
  #lastRequests: AgentRequests | undefined;
  /** What was found of hosts, by their names: an origin costs more to make up than all else that is done here. */
  readonly #found = new Map<string, Found>();
  #released = false;

  constructor(options: RedirectOptions) {
    this.#options = options;
  }

  /** Takes a request of an agent. False if it is left to that one. */
  take(agent: Agent, request: NodeRequest, options: RequestOptions): boolean {
    const { protocol } = asNodeAgent(agent);
    const { host, port } = options;
    const found = this.#foundOf(protocol, host, port);
    // What isn't managed is asked nothing more: that may be most of what a process sends.
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
    // While it is judged anew there is no end to it, and another verdict comes.
    const { until } = known;
    return until !== Number.POSITIVE_INFINITY && this.#options.clock.now() < until ? known : undefined;
  }

  #verdictOn(protocol: string, host: string, port: number | string): Known {
    const known = this.#options.verdicts.on(`${protocol}//${hostOf(host)}:${port}`);
    if (this.#found.size >= MOST_FOUND) this.#found.clear();
    this.#found.set(host, { protocol, port, known });
    return known;
  }

  /** Leaves all requests to their agents from now on, those included that wait. */
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

  /** Keeps a request until the verdict on its host. */
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
    // After all that are held have left the agent's map, by which Node finds that there are sockets enough.
    void settled.then((verdict) => {
      if (ended) return;
      const isManaged = verdict.name === 'managed' && !this.#released;
      waiting.run(() => {
        try {
          if (isManaged) this.#requestsOf(agent).retake(request, options);
          else agentPrototype.addRequest.call(agent, request, options);
        } catch (error) {
          // Of options that Node doesn't take.
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
