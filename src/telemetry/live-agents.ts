import type { BalancedAgentOptions } from '../config/options.ts';
import type { Settings } from '../config/settings.ts';
import { mergedStats, type ServiceStats } from './stats.ts';

/** An agent of this process, for code that looks at all agents. */
export interface LiveAgent {
  /** Whose requests it balances: `undici`, `node:http`, `grpc`, `connect`. */
  readonly name: string;
  readonly settings: Settings;
  /** The options that it was given. */
  readonly options: BalancedAgentOptions;
  /** Its stats by origin, or by target. */
  readonly stats: () => Readonly<Record<string, ServiceStats>>;
}

/** Held weakly: if nobody closes an agent, it goes when its maker forgets it. */
const agents = new Set<WeakRef<LiveAgent>>();
const forgotten = new FinalizationRegistry<WeakRef<LiveAgent>>((agent) => agents.delete(agent));

/**
 * Registers an agent until it is closed or forgotten. Its maker must keep the `LiveAgent`.
 *
 * @returns a function that removes it
 */
export function addLiveAgent(agent: LiveAgent): () => void {
  const ref = new WeakRef(agent);
  agents.add(ref);
  forgotten.register(agent, ref, ref);
  return () => {
    agents.delete(ref);
    forgotten.unregister(ref);
  };
}

/** All agents, in the order in which they were made. */
export function liveAgents(): LiveAgent[] {
  return Array.from(agents, (ref) => ref.deref()).filter((agent) => agent !== undefined);
}

/**
 * The stats of all agents in this process together, by origin: the agents of the preload and of `install()`, and those that
 * you made.
 */
export function stats(): Record<string, ServiceStats> {
  const byOrigin = new Map<string, ServiceStats[]>();
  for (const agent of liveAgents()) {
    for (const [origin, service] of Object.entries(agent.stats())) {
      byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), service]);
    }
  }
  return Object.fromEntries(Array.from(byOrigin, ([origin, all]) => [origin, mergedStats(all)]));
}
