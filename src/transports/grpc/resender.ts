import type { Clock, Timer } from '../../core/base/clock.ts';
import type { Attempt } from './attempts.ts';
import type { ChannelArgs, Metadata, PickResult } from './grpc-js.ts';
import { GuardedPick } from './guarded-pick.ts';
import type { Found, ResentCall, Sender } from './resent-call.ts';
import { startsCalls } from './session.ts';

/** What users say who want nothing to be sent again. */
const RETRIES_ARG = 'grpc.enable_retries';

/** The calls of one channel that are sent again if servers refuse them by ending their connections. */
export class Resender implements Sender {
  readonly #clock: Clock;
  readonly #isOff: boolean;
  readonly #begin: (metadata: Metadata) => Found;
  #isStopped = false;
  /** Those that wait for a connection. */
  readonly #stranded = new Set<ResentCall>();

  constructor(clock: Clock, args: ChannelArgs, begin: (metadata: Metadata) => Found) {
    this.#clock = clock;
    this.#isOff = args[RETRIES_ARG] === 0;
    this.#begin = begin;
  }

  /** Has the call that begins with an attempt sent again, if that is needed. */
  guard(attempt: Attempt): PickResult {
    return this.#isOff || !startsCalls(attempt.subchannel) ? attempt : new GuardedPick(attempt, this);
  }

  attempt(metadata: Metadata): Found {
    return this.#isStopped ? 'failing' : this.#begin(metadata);
  }

  /** The process stays alive meanwhile, as it does for calls that wait in grpc-js. */
  strand(call: ResentCall, patience: number, onOver: () => void): Timer {
    this.#stranded.add(call);
    return this.#clock.schedule(onOver, patience, true);
  }

  unstrand(call: ResentCall): void {
    this.#stranded.delete(call);
  }

  /** There may be a connection. */
  serve(): void {
    for (const call of [...this.#stranded]) call.sendAgain();
  }

  /** The channel is closed. */
  stop(): void {
    this.#isStopped = true;
    for (const call of [...this.#stranded]) call.giveUp();
  }
}
