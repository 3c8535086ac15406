import { settingsInForce, shownValue } from '../config/in-force.ts';
import { ownVersion } from '../config/version.ts';
import { wallClock } from '../core/base/clock.ts';
import { environment } from '../core/base/environment.ts';
import { hostName } from '../core/base/host.ts';
import { type LiveAgent, liveAgents, stats } from '../telemetry/live-agents.ts';
import type { EndpointStats, ServiceStats } from '../telemetry/stats.ts';
import { type Standing, standingOf } from './standing.ts';

/** What the page and `/stats` show of this process. */
export interface View extends Moment {
  readonly process: {
    readonly host: string;
    readonly pid: number;
    readonly node: string;
    readonly evenkeel: string;
    /** In milliseconds since 1970. */
    readonly startedAt: number;
  };
  readonly agents: readonly AgentView[];
}

/** The part that changes all the time. */
export interface Moment {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly services: Readonly<Record<string, ServiceView>>;
}

export type EndpointView = EndpointStats & Standing;

export interface ServiceView extends ServiceStats {
  endpoints: EndpointView[];
}

/** Agents with the same settings. */
export interface AgentView {
  readonly name: string;
  readonly count: number;
  readonly settings: readonly SettingView[];
}

export interface SettingView {
  readonly name: string;
  /** In words; null: none, or it depends. */
  readonly value: string | null;
  readonly from: 'option' | 'variable' | 'default';
  readonly variable: string | null;
}

export function viewOfProcess(): View {
  return {
    process: {
      host: hostName(),
      pid: process.pid,
      node: process.version,
      evenkeel: ownVersion(),
      startedAt: Math.round(wallClock() - process.uptime() * 1_000),
    },
    agents: agentViews(liveAgents()),
    ...presentMoment(),
  };
}

export function presentMoment(): Moment {
  const services: Record<string, ServiceView> = {};
  for (const [origin, service] of Object.entries(stats())) {
    const endpoints = service.endpoints.map((row) => ({ ...row, ...standingIn(service, row) }));
    services[origin] = { ...service, endpoints };
  }
  return { at: wallClock(), services };
}

/** If pods name themselves, one row counts all other pods: says so. */
function standingIn({ endpoints }: ServiceStats, row: EndpointStats): Standing {
  const standing = standingOf(row);
  if (row.identity !== undefined || endpoints.every(({ identity }) => identity === undefined))
    return standing;
  return { ...standing, says: `${standing.says}; all pods that have no name` };
}

function agentViews(agents: readonly LiveAgent[]): AgentView[] {
  const views = new Map<string, AgentView>();
  for (const { name, settings, options } of agents) {
    const shown = settingsInForce(settings, options, environment()).map(
      ({ name, value, from, variable }): SettingView => ({
        name,
        value: value === undefined ? null : shownValue(value),
        from,
        variable: variable ?? null,
      }),
    );
    const key = JSON.stringify([name, shown]);
    views.set(key, { name, count: (views.get(key)?.count ?? 0) + 1, settings: shown });
  }
  return [...views.values()];
}
