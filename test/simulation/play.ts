import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { keyed } from '../support/keyed.ts';
import type { Actor } from './agenda.ts';
import { Callers } from './callers.ts';
import { CoreClient } from './client.ts';
import { SimulatedDiscovery } from './discovery.ts';
import { Draws } from './draws.ts';
import { Happenings } from './happenings.ts';
import { HttpClient } from './http/http-client.ts';
import { withVirtualNode } from './http/virtual-node.ts';
import { Oracle } from './oracle.ts';
import { SimulatedPod } from './pod.ts';
import type { Scenario } from './scenario.ts';
import { Scene, type Violation } from './scene.ts';
import { Telling } from './telling.ts';
import { micros } from './time.ts';
import { World } from './world.ts';

/** Microseconds after which all that holds pods up is over, and in which then some of those that are left have to end. */
const RELIEF = 30_000_000;
const LONGEST_END = 90_000_000;
/** Microseconds without a call after which nothing is left. */
const REST = 400_000_000;

export interface Played {
  readonly violation: Violation | undefined;
  readonly calls: number;
  /** Calls of each load, by its name. */
  readonly made: ReadonlyMap<number, number>;
  readonly failed: number;
  readonly events: number;
  /** Milliseconds that went by. */
  readonly time: number;
  /** What happened, as far as it was noted. */
  readonly story: readonly string[];
}

/**
 * Plays a scenario, and says what was wrong.
 *
 * @param facts so many of the last ones are noted; Infinity for all
 * @param mostCalls more are wrong: for a finding that can be had at will
 */
export function play(scenario: Scenario, facts = 0, mostCalls = Number.POSITIVE_INFINITY): Played {
  const { seed } = scenario;
  const { stackTraceLimit } = Error;
  // Most calls that fail do so as they should, and nobody asks where.
  Error.stackTraceLimit = 0;
  const world = new World(seed, facts, scenario.crosses);
  world.isPrompt = scenario.servesAll === true;
  const pods = scenario.pods.map((plan, id) => new SimulatedPod(world, id, plan));
  const chance = new Draws().about(seed, 1, 1);
  const settings = resolveSettings(
    { ...keyed(scenario.options), clock: world.time, random: () => chance.next() },
    {},
  );
  const scene = new Scene(world, scenario, settings, pods, mostCalls);
  const oracle = new Oracle(scene);
  world.watch = oracle;
  const discovery = new SimulatedDiscovery(scene, () => oracle.onDiscovery());
  const telling = facts > 0 ? new Telling(scene) : undefined;
  const NewClient = scenario.agents === undefined ? CoreClient : HttpClient;
  scene.client = new NewClient(scene, discovery, `client ${seed % 1_000}`);
  const callers = scenario.loads.map((load) => new Callers(scene, load));
  const happenings = new Happenings(scene);
  const onError = (error: unknown) => scene.violate('throws nothing', String(error));
  const run = () => {
    world.time.run(micros(scenario.end.at));
    if (!world.time.stopped) end(scene, oracle, happenings);
  };
  try {
    if (scenario.agents === undefined) run();
    else withVirtualNode(world.time, onError, run);
  } catch (error) {
    onError(error);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    telling?.stop();
  }
  // What is left of it is to leave no trace in the next one.
  if (scene.endedAt < 0) dispose(scene);
  return {
    violation: scene.violation,
    calls: scene.calls,
    made: new Map(callers.map(({ name, made }) => [name, made])),
    failed: callers.reduce((sum, { failed }) => sum + failed, 0),
    events: world.time.events,
    time: world.time.now(),
    story: world.trace.lines,
  };
}

/** Ends the service as the scenario says, and has the oracle look whether anything is left. */
function end(scene: Scene, oracle: Oracle, happenings: Happenings): void {
  const { scenario, world } = scene;
  const { time } = world;
  if (scenario.end.how === 'rest') {
    happenings.relieve();
    wait(scene, REST);
    if (!time.stopped) oracle.onRest();
  }
  if (time.stopped) return;
  // Somebody's callback, as all that goes on in a process is.
  time.arrive(0, new Closing(scene), 0);
  time.run(time.micros + RELIEF);
  if (time.stopped) return;
  happenings.relieve();
  wait(scene, LONGEST_END);
  if (!time.stopped) oracle.onOver();
}

/**
 * Lets so many microseconds pass, and as many again for as long as calls end in them: where many wait behind pods that take
 * a few at a time, all are on their way.
 */
function wait({ world: { time }, live }: Scene, micros: number): void {
  let left: number;
  do {
    left = live.size;
    time.run(time.micros + micros);
  } while (!time.stopped && live.size < left);
}

class Closing implements Actor {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  happen(): void {
    const scene = this.#scene;
    const { scenario, client, world } = scene;
    scene.closingAt = world.time.micros;
    scene.destroyed = scenario.end.how === 'destroy';
    world.trace.note(world.time.micros, 'closing', -1, -1, -1, scenario.end.how);
    const over = scene.destroyed ? client.destroy() : client.close();
    void over.then(() => {
      scene.endedAt = world.time.micros;
      world.trace.note(world.time.micros, 'ended', -1, -1, -1);
    });
  }
}

function dispose({ service, world }: Scene): void {
  world.time.afterEach = () => {};
  try {
    void service.destroy(new Error('the play is over'));
  } catch {
    // It was found to be wrong.
  }
}
