import type { Dial, DialDone, Target, Transport } from '../../src/core/connections/transport.ts';
import { portsOf, type Unacknowledged } from '../../src/core/connections/unacknowledged.ts';
import type { Check } from '../../src/core/health/checker.ts';
import type { HealthCheckSettings } from '../../src/core/health/settings.ts';
import { ColdStart } from '../../src/transports/connect/cold-start.ts';
import type { Actor } from './agenda.ts';
import type { Held, SimulatedPod } from './pod.ts';
import type { Scenario } from './scenario.ts';
import { micros, type VirtualTime } from './time.ts';
import { SimulatedWire } from './wire.ts';
import { failure, type World } from './world.ts';

const REACHES_POD = 0;
const CONNECTS = 1;
const REFUSED = 2;
const SEEN = 3;

/** Whom an address leads to at this moment; nobody: dials are refused by the node. */
export type Route = (address: string) => SimulatedPod | undefined;

type Kind = 'dial' | 'knock' | 'check';

/** What makes dials of one kind of wires. */
export interface Dials<SomeWire> {
  readonly multiplexes: boolean;
  readonly underWay: Set<{ readonly kind: Kind }>;
  makeWire(pod: SimulatedPod): SomeWire;
}

type Done<SomeWire> = (error: (Error & { code?: string }) | null, wire: SomeWire | undefined) => void;

/** A dial, on its way to a pod and back. */
export class SimulatedDial<SomeWire> implements Dial, Actor, Held {
  readonly #world: World;
  readonly #dials: Dials<SomeWire>;
  readonly #pod: SimulatedPod | undefined;
  readonly #done: Done<SomeWire>;
  readonly kind: Kind;
  #over = false;

  constructor(
    world: World,
    dials: Dials<SomeWire>,
    pod: SimulatedPod | undefined,
    kind: Kind,
    done: Done<SomeWire>,
  ) {
    this.#world = world;
    this.#dials = dials;
    this.#pod = pod;
    this.kind = kind;
    this.#done = done;
    dials.underWay.add(this);
    const { trace, time } = world;
    if (trace.notes) trace.note(time.micros, kind, -1, -1, pod?.id ?? -1);
    if (pod === undefined) time.arrive(micros(0.2), this, REFUSED);
    else time.inWorld(pod.network, this, REACHES_POD);
  }

  happen(what: number): void {
    if (this.#over) return;
    switch (what) {
      case REACHES_POD:
        this.#reach(this.#pod!);
        break;
      case CONNECTS:
        this.#connect(this.#pod!);
        break;
      case REFUSED:
        this.#end(failure('ECONNREFUSED'), undefined);
        break;
      case SEEN:
        this.#end(null, undefined);
        break;
    }
  }

  #reach(pod: SimulatedPod): void {
    const { time } = this.#world;
    if (pod.isCutOff || pod.dials === 'ignored') return;
    if (!pod.isUp || pod.dials === 'refused') {
      time.arrive(pod.network, this, REFUSED);
      return;
    }
    // A kernel takes TCP's connections, and its pod does what more there is to it.
    if (this.kind === 'knock') time.arrive(pod.network, this, SEEN);
    else if (pod.isFrozen && (this.#dials.multiplexes || this.kind === 'check')) pod.hold(this);
    else this.accept();
  }

  accept(): void {
    const pod = this.#pod!;
    if (!this.#over)
      this.#world.time.arrive(
        pod.network + (pod.isRelieved ? 1 : micros(pod.plan.handshake)),
        this,
        CONNECTS,
      );
  }

  #connect(pod: SimulatedPod): void {
    if (this.kind === 'check') {
      const isWell = pod.isUp && pod.reaction === undefined;
      this.#end(isWell ? null : failure('ECONNRESET'), undefined);
      return;
    }
    // It may have ended meanwhile.
    if (!pod.isUp) {
      this.#end(Object.assign(failure('ECONNRESET'), { syscall: 'connect' }), undefined);
      return;
    }
    this.#end(null, this.#dials.makeWire(pod));
  }

  #end(error: (Error & { code?: string }) | null, wire: SomeWire | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#dials.underWay.delete(this);
    const { trace, time } = this.#world;
    if (error !== null && trace.notes)
      trace.note(time.micros, 'dial fails', -1, -1, this.#pod?.id ?? -1, error.code);
    this.#done(error, wire);
  }

  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#dials.underWay.delete(this);
    const { trace, time } = this.#world;
    if (trace.notes) trace.note(time.micros, 'abandoned', -1, -1, this.#pod?.id ?? -1, this.kind);
  }

  unref(): void {}

  timeOut(): void {
    this.#end(this.timeoutError(), undefined);
  }

  timeoutError(): Error {
    return failure('UND_ERR_CONNECT_TIMEOUT');
  }
}

/** Makes wires in virtual time. */
export class SimulatedTransport implements Transport, Dials<SimulatedWire> {
  readonly timeout = 10_000;
  readonly patience = 3_000;
  readonly keepAlive = 4_000;
  readonly multiplexes: boolean;
  readonly clock: VirtualTime;
  readonly underWay = new Set<{ readonly kind: Kind }>();
  /** Dials ever begun. */
  dials = 0;
  /** Told of each dial that begins. */
  onDial: (target: Target) => void = () => {};
  /** Of connect-node's sessions. */
  readonly coldStart: ColdStart | undefined;
  readonly #world: World;
  readonly #route: Route;

  constructor(
    world: World,
    { multiplexes, sessions }: Pick<Scenario, 'multiplexes' | 'sessions'>,
    route: Route,
  ) {
    this.#world = world;
    this.clock = world.time;
    this.multiplexes = multiplexes;
    this.coldStart = sessions ? new ColdStart(world.time) : undefined;
    this.#route = route;
  }

  /** Dials under way that are to make a wire. */
  get dialling(): number {
    let count = 0;
    for (const { kind } of this.underWay) if (kind === 'dial') count++;
    return count;
  }

  isProcessHeld(): boolean {
    return true;
  }

  dial(target: Target, done: DialDone): Dial {
    this.dials++;
    this.onDial(target);
    if (this.coldStart === undefined) return this.#start(target, 'dial', done);
    return this.coldStart.dial(
      (made) => this.#start(target, 'dial', (error, wire) => made(error, wire as SimulatedWire | undefined)),
      done,
    );
  }

  knock(target: Target, done: (error: Error | null) => void): Dial {
    return this.#start(target, 'knock', done);
  }

  check(target: Target, { timeout }: HealthCheckSettings, done: (passed: boolean) => void): Check {
    const check = this.#start(target, 'check', (error) => {
      deadline.cancel();
      done(error === null);
    });
    const deadline = this.clock.schedule(() => check.timeOut(), timeout);
    return {
      abandon() {
        deadline.cancel();
        check.abandon();
      },
    };
  }

  makeWire(pod: SimulatedPod): SimulatedWire {
    return new SimulatedWire(this.#world, pod, this.multiplexes, this.keepAlive, this.coldStart);
  }

  #start({ info }: Target, kind: Kind, done: DialDone): SimulatedDial<SimulatedWire> {
    return new SimulatedDial(this.#world, this, this.#route(info.address), kind, done);
  }

  unacknowledged(): Promise<Unacknowledged> {
    // A host has other sockets as well.
    const known = new Map<string, boolean | undefined>([[portsOf(0, 0), false]]);
    for (const wire of this.#world.wires) {
      if (!wire.broken && !wire.lost) known.set(wire.ports, wire.isUnacknowledged);
    }
    return Promise.resolve(known);
  }
}
