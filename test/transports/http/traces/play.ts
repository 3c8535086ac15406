import type { Certificate } from '../../../support/certificate.ts';
import { type Scenarios, SERVED } from './scenario.ts';
import { BROKEN } from './scenarios-broken.ts';
import { CONNECTIONS } from './scenarios-connections.ts';
import { GIVEN_UP } from './scenarios-ended.ts';
import { LISTENERS } from './scenarios-listeners.ts';
import { OPTIONS } from './scenarios-options.ts';
import { SERVED_REQUESTS } from './scenarios-served.ts';
import { TIMEOUTS } from './scenarios-timeouts.ts';
import { ScriptedServer } from './scripted-server.ts';
import { Stage, type Told, type Way } from './stage.ts';

export const SCENARIOS: Scenarios = {
  ...SERVED_REQUESTS,
  ...LISTENERS,
  ...CONNECTIONS,
  ...GIVEN_UP,
  ...BROKEN,
  ...TIMEOUTS,
  ...OPTIONS,
};

/** Milliseconds decide here and there, on a busy machine: what we tell has to be what stock tells in one of a few plays. */
export const PLAYS = 5;

export interface PlayOptions {
  /** Whether the agent has a connection that idles when the scenario begins. */
  readonly warm: boolean;
  /** Of a server that speaks TLS. */
  readonly certificate?: Certificate | undefined;
}

/** Plays one scenario, with a server and an agent of its own. */
export async function play(name: string, way: Way, { warm, certificate }: PlayOptions): Promise<Told> {
  const server = new ScriptedServer(certificate);
  await server.listen(way.address);
  const { server: scripts, caller, agent = {} } = SCENARIOS[name]!;
  const stage = new Stage(server, way, agent);
  try {
    if (warm) {
      server.play([SERVED]);
      await stage.warmUp();
    }
    server.play(scripts);
    await caller(stage);
    return await stage.end();
  } finally {
    server.close();
  }
}
