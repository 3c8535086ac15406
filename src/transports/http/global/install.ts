import type { Agent } from 'node:http';
import { announce } from '../../../admin/announce.ts';
import type { BalancingOptions } from '../../../config/options.ts';
import { withSystemDials } from '../../../config/resolve-settings.ts';
import type { Settings } from '../../../config/settings.ts';
import type { LoadPart } from '../../../core/base/part.ts';
import type { LiveAgent } from '../../../telemetry/live-agents.ts';
import { asNodeAgent, hasInternals, isStock, type NodeRequest, type RequestOptions } from '../node-http.ts';
import type { Takeover } from './part.ts';
import { patchAgents } from './patch.ts';

/** Loads the part that balances, when there is a request for it. */
type Load = LoadPart<typeof import('./part.ts')>;

/** Exists from `installHttp` to `uninstallHttp`. */
class Installation {
  readonly #load: Load;
  readonly #settings: Settings;
  /** Held here, because it is held weakly elsewhere. */
  readonly #live: LiveAgent;
  readonly #leave: () => void;
  readonly #unpatch: () => void;
  #takeover: Takeover | undefined;
  #loading = false;
  #ended = false;

  constructor(settings: Settings, options: BalancingOptions, load: Load) {
    this.#load = load;
    this.#settings = settings;
    this.#live = { name: 'node:http', settings, options, stats: () => this.#takeover?.stats ?? {} };
    this.#leave = announce(this.#live);
    this.#unpatch = patchAgents((agent, request, requestOptions) =>
      this.#take(agent, request, requestOptions),
    );
  }

  #take(agent: Agent, request: NodeRequest, options: RequestOptions): boolean {
    if (this.#takeover === undefined) this.#begin(agent);
    return this.#takeover?.take(agent, request, options) === true;
  }

  #begin(agent: Agent): void {
    const node = asNodeAgent(agent);
    // Requests of all other agents are left alone.
    if (this.#loading || !node.keepAlive || !isStock(node)) return;
    this.#loading = true;
    this.#load(({ Takeover }) => {
      if (!this.#ended) this.#takeover = new Takeover(this.#settings);
    });
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#unpatch();
    this.#leave();
    await this.#takeover?.end();
  }
}

let installed: Installation | undefined;

/** From now on, balances the requests of Node's own agents to managed hosts. */
export function installHttp(given: Settings, options: BalancingOptions, load: Load): void {
  if (!hasInternals()) {
    process.emitWarning(
      `evenkeel does not know the node:http of this Node.js (${process.version}), and leaves its requests alone`,
      {
        type: 'EvenkeelWarning',
        code: 'EVENKEEL_HTTP_UNKNOWN',
      },
    );
    return;
  }
  installed = new Installation(withSystemDials(given, options), options, load);
}

/** Restores what was there before. Resolves when the requests under way have ended. */
export async function uninstallHttp(): Promise<void> {
  const ending = installed?.end();
  installed = undefined;
  await ending;
}
