// Plays a scenario with one of the two clients, and keeps what everybody saw.
import { readFileSync } from 'node:fs';
import { type Clock, systemClock, type Timer } from '../../src/core/base/clock.ts';
import type { Resolution, Resolver } from '../../src/core/discovery/resolver.ts';
import { ManualResolver } from '../support/agent.ts';
import type { Caller, Outcome } from './caller.ts';
import { type Client, type ClientName, startClient } from './clients.ts';
import { RunningTime, within } from './deadline.ts';
import type { Ledger } from './ledger.ts';
import { Pods } from './pods.ts';
import type { Scenario, Step } from './scenario.ts';
import { callContext, type Trace, Tracer } from './writes.ts';

export interface Play {
  readonly client: ClientName;
  readonly outcomes: Map<number, Outcome>;
  readonly ledger: Ledger;
  /** How close() or destroy() ended; 'late' if it didn't. */
  ended: string;
  /** Connections still open a while after that. */
  leftOpen: number;
  /** Timers of ours that are scheduled then. */
  leftTimers: number;
  /** What ours counts when all calls have ended, or none does any more. */
  counts: string;
  /** That is more than have not ended. */
  countsMore: boolean;
  /** Origins that stats has, but for the one that was asked for. */
  strangeOrigins: string[];
  /** Pods that are ejected in the end. */
  ejected: number[];
  /** Times that `dispatch` said no and `drain` did not follow. */
  undrained: boolean;
  /** By how many milliseconds a turn of the loop was late, at the worst. */
  lag: number;
  /** Which pods there were, and since when a client must have known that. */
  readonly sets: PodSet[];
  /** What tracers were told, where one listens. */
  readonly traces: ReadonlyMap<number, Trace> | undefined;
  readonly pods: readonly string[];
  readonly port: number;
}

/** Pods that there are from a moment on. */
export interface PodSet {
  readonly pods: readonly number[];
  readonly saidAt: number;
  knownAt: number;
}

/** Turns of the loop in which a request that was on its way to a pod is written. */
const TURNS = 5;
/** Milliseconds in which some call must end, while any is left; then for an agent to end, then for its connections. */
const CALLS = 12_000;
const END = 5_000;
const LEFT = 3_000;
/** Milliseconds for which an unref'd timer may be left: it holds nobody. */
const SHORT = 1_500;

/** Knows what is scheduled, and neither called nor cancelled. */
class WatchedClock implements Clock {
  /** When they are due. */
  readonly #due = new Set<{ at: number }>();
  readonly now = systemClock.now;

  readonly schedule = (callback: () => void, delay: number, ref?: boolean): Timer => {
    const entry = { at: this.now() + delay };
    this.#due.add(entry);
    const timer = systemClock.schedule(
      () => {
        this.#due.delete(entry);
        callback();
      },
      delay,
      ref,
    );
    return {
      cancel: () => {
        this.#due.delete(entry);
        timer.cancel();
      },
    };
  };

  /** How many will be there so many milliseconds from now. */
  left(after: number): number {
    let left = 0;
    for (const { at } of this.#due) if (at > this.now() + after) left++;
    return left;
  }
}

export async function play(scenario: Scenario, client: ClientName): Promise<Play> {
  const pods = await Pods.start(scenario);
  try {
    return await new Player(scenario, client, pods).play();
  } finally {
    pods.stop();
  }
}

class Player {
  readonly #scenario: Scenario;
  readonly #pods: Pods;
  readonly #client: Client;
  readonly #resolver = new ManualResolver();
  readonly #clock = new WatchedClock();
  readonly #callers: Caller[] = [];
  readonly #play: Play;
  readonly #running = new RunningTime();
  readonly #tracer: Tracer | undefined;
  /** When a call has last ended, in the time that this process ran. */
  #endedAt = 0;
  #hangs = false;
  #said = 0;
  #drained = 0;

  constructor(scenario: Scenario, client: ClientName, pods: Pods) {
    this.#scenario = scenario;
    this.#pods = pods;
    if (scenario.traced) this.#tracer = new Tracer(pods.port);
    this.#play = {
      client,
      outcomes: new Map(),
      ledger: pods.ledger,
      ended: 'late',
      leftOpen: 0,
      leftTimers: 0,
      counts: '',
      countsMore: false,
      strangeOrigins: [],
      ejected: [],
      undrained: false,
      lag: 0,
      sets: [],
      traces: this.#tracer?.traces,
      pods: pods.addresses,
      port: pods.port,
    };
    if (client === 'ours') this.#know(scenario.workers.length === 0 ? [] : pods.addresses.map((_, n) => n));
    const own = { resolver: this.#resolver.resolve as Resolver, clock: this.#clock };
    this.#client = startClient(client, scenario, pods, own);
    this.#client.onDrain(() => {
      this.#drained++;
    });
  }

  #know(pods: readonly number[]): void {
    const { addresses, port } = this.#pods;
    const all = pods.length === 0;
    const endpoints = (all ? addresses : pods.map((n) => addresses[n]!)).map((address) => ({
      address,
      port,
    }));
    const resolution: Resolution = { endpoints, source: 'fuzz', ...(all && { withdrawn: true }) };
    this.#resolver.say(resolution);
    const set = {
      pods: all ? addresses.map((_, n) => n) : pods,
      saidAt: performance.now(),
      knownAt: Number.POSITIVE_INFINITY,
    };
    this.#play.sets.push(set);
    afterTurns(TURNS, () => {
      set.knownAt = performance.now();
    });
  }

  async play(): Promise<Play> {
    const { end, endsEarly, workers } = this.#scenario;
    const working = workers.map((steps) => this.#work(steps));
    await Promise.all(working);
    if (!endsEarly) await this.#untilOver(this.#allOver);
    if (!endsEarly) await this.#rest();
    const ended = end === 'close' ? this.#client.close(this.#allOver) : this.#client.destroy();
    this.#play.ended = await within(
      Math.min(END, this.#scenario.patience ?? END),
      ended.then(
        () => 'ended',
        (error) => String(error),
      ),
      'late',
    );
    await within(1_000, this.#allOver, undefined);
    this.#play.leftOpen = await this.#stillOpen();
    this.#play.leftTimers = this.#clock.left(SHORT);
    this.#running.stop();
    this.#play.lag = this.#running.worst;
    this.#tracer?.stop();
    this.#pods.ledger.collectWrites();
    for (const { call, outcome } of this.#callers) this.#play.outcomes.set(call.id, outcome);
    this.#play.undrained = !endsEarly && this.#said > 0 && this.#drained === 0;
    if (this.#play.ended !== 'ended') void this.#client.destroy().catch(() => {});
    return this.#play;
  }

  /**
   * Until calls have ended, or none has ended for long: one that hangs does not hold up all that come after it. However
   * busy this machine is, what goes on goes on.
   */
  async #untilOver(calls: Promise<unknown>): Promise<void> {
    const over = calls.then(() => true);
    while (!this.#hangs && !(await within(this.#left, over, false))) this.#hangs = this.#left <= 0;
  }

  get #left(): number {
    return this.#endedAt + (this.#scenario.patience ?? CALLS) - this.#running.elapsed;
  }

  async #work(steps: readonly Step[]): Promise<void> {
    const callerOf = this.#client.worker();
    const begun: Promise<void>[] = [];
    for (const step of steps) {
      if ('call' in step) {
        const caller = callerOf(step.call);
        this.#callers.push(caller);
        callContext.run(step.call.id, () => caller.start());
        if (caller.outcome.more === false && !caller.outcome.atOnce) this.#said++;
        begun.push(caller.over.promise.then(() => this.#onOver()));
        if (step.await) await this.#untilOver(caller.over.promise);
      } else if ('wait' in step) {
        await new Promise((resolve) => setTimeout(resolve, step.wait));
      } else if ('block' in step) {
        const until = performance.now() + step.block;
        while (performance.now() < until);
      } else if ('join' in step) {
        await this.#untilOver(Promise.all(begun));
      } else if (this.#play.client === 'ours') {
        this.#know(step.pods);
      }
    }
  }

  #onOver(): void {
    this.#endedAt = this.#running.elapsed;
  }

  get #allOver(): Promise<unknown> {
    return Promise.all(this.#callers.map(({ over }) => over.promise));
  }

  /** Connections that the client has not closed. Servers may keep theirs: Node's of HTTP/2 do, now and then. */
  async #stillOpen(): Promise<number> {
    const { ledger, port } = this.#pods;
    for (let waited = 0; ledger.open.size > 0; waited += LEFT / 6) {
      await ledger.drained(LEFT / 6);
      const open = ledger.open.size === 0 ? 0 : openTo(port);
      if (open === 0 || waited >= LEFT) return open;
    }
    return 0;
  }

  /** A caller that gives up may know of the end before its agent does. */
  async #rest(): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
      this.#look();
      if (!this.#play.countsMore) return;
      await within(50, new Promise<void>(() => {}), undefined);
    }
  }

  /** At rest: what ours counts of calls and pods. */
  #look(): void {
    const { stats, origin } = this.#client;
    if (stats === undefined) return;
    const own = stats[origin];
    this.#play.strangeOrigins = Object.keys(stats).filter((key) => key !== origin);
    if (own === undefined) return;
    const inFlight = own.endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
    const open = this.#callers.filter(({ outcome }) => outcome.settled === 0).length;
    this.#play.counts = `running ${own.running}, queued ${own.queued}, in flight ${inFlight}, not ended ${open}`;
    this.#play.countsMore = own.running + own.queued > open || inFlight > open;
    this.#play.ejected = own.endpoints
      .filter(({ state }) => state === 'ejected')
      .map(({ address }) => this.#pods.addresses.indexOf(address.replace(/:\d+$/, '')));
  }
}

function afterTurns(turns: number, then: () => void): void {
  if (turns === 0) then();
  else setImmediate(() => afterTurns(turns - 1, then));
}

/** Connections of this machine to a port that their clients hold open: ESTABLISHED or CLOSE_WAIT. */
function openTo(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let open = 0;
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, , remote, state] = line.trim().split(/ +/);
    if (remote?.endsWith(suffix) && (state === '01' || state === '08')) open++;
  }
  return open;
}
