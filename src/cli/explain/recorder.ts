import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { sentenceOf } from '../../admin/sentences.ts';
import { channels } from '../../core/base/channels.ts';
import type { BalancedAgent } from '../../index.ts';
import type { EndpointStats } from '../../telemetry/stats.ts';

/** An event, in words. */
export interface Moment {
  /** Milliseconds after the request was made. */
  readonly at: number;
  readonly says: string;
}

/** The endpoint that got the request. */
export interface Choice {
  readonly address: string;
  /** All endpoints at that moment. */
  readonly candidates: readonly EndpointStats[];
}

/** The events that belong to the story. Those that come when the agent ends don't. */
const TOLD = [
  'discoveryUpdate',
  'discoveryError',
  'endpointEject',
  'endpointRestore',
  'connectionOpen',
  'requestStart',
  'requestRetry',
] as const satisfies readonly (keyof typeof channels)[];

/** Records what happens to one request of an agent, from `begin` to `stop`. */
export class Recorder {
  readonly moments: Moment[] = [];
  /** One for each time that the request was sent. */
  readonly choices: Choice[] = [];
  readonly #agent: BalancedAgent;
  readonly #origin: string;
  readonly #unsubscribe: readonly (() => void)[];
  /** Why dials have failed, by address. The stats of an endpoint that is dialled again no longer say it. */
  readonly #failed = new Map<string, string>();
  #startedAt = performance.now();

  constructor(agent: BalancedAgent, origin: string) {
    this.#agent = agent;
    this.#origin = origin;
    this.#unsubscribe = TOLD.map((kind) => {
      const name = String(channels[kind].name);
      const listener = (message: unknown) => this.#onMessage(kind, message as Record<string, unknown>);
      subscribe(name, listener);
      return () => unsubscribe(name, listener);
    });
    agent.on('connectionError', (_origin, _targets, error) => {
      this.tell(`a dial has failed: ${error.message}`);
      setImmediate(() => this.#noteFailures());
    });
  }

  /** The request is made now. */
  begin(): void {
    this.#startedAt = performance.now();
  }

  tell(says: string): void {
    this.moments.push({ at: performance.now() - this.#startedAt, says });
  }

  /** Whether an endpoint is being dialled, so that it isn't known yet whether it can be reached. */
  get isDialing(): boolean {
    return this.#rows.some(
      ({ state, reasons, dialError }) =>
        state === 'connecting' && dialError === undefined && !reasons.includes('cold'),
    );
  }

  /** All endpoints, with the error of the last dial, if it failed. */
  get endpoints(): EndpointStats[] {
    return this.#rows.map((row) => {
      const dialError = this.#failed.get(row.address);
      return row.state !== 'connecting' || dialError === undefined ? row : { ...row, dialError };
    });
  }

  stop(): void {
    for (const unsubscribeOne of this.#unsubscribe) unsubscribeOne();
  }

  get #rows(): EndpointStats[] {
    return this.#agent.stats[this.#origin]?.endpoints ?? [];
  }

  #onMessage(kind: (typeof TOLD)[number], message: Record<string, unknown>): void {
    if (message.origin !== this.#origin) return;
    if (kind === 'requestStart')
      this.choices.push({ address: String(message.address), candidates: this.#rows });
    this.tell(sentenceOf(kind, message));
  }

  #noteFailures(): void {
    for (const { address, dialError } of this.#rows)
      if (dialError !== undefined) this.#failed.set(address, dialError);
  }
}
