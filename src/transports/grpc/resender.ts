import type { Clock, Timer } from '../../core/base/clock.ts';
import type { Attempt } from './attempts.ts';
import type { ChannelArgs, Metadata, PickResult } from './grpc-js.ts';
import { GuardedPick } from './guarded-pick.ts';
import type { Found, ResentCall, Sender } from './resent-call.ts';
import { startsCalls } from './session.ts';

/** The channel argument with which users switch off that calls are sent again. */
const RETRIES_ARG = 'grpc.enable_retries';
/** How many bytes of messages grpc-js keeps for its own retries, for one call and for all calls of a channel. */
const CALL_BUFFER = { arg: 'grpc.per_rpc_retry_buffer_size', size: 1 << 20 };
const CHANNEL_BUFFER = { arg: 'grpc.retry_buffer_size', size: 1 << 24 };

/** Sends calls of one channel again that servers refuse by ending their connections. */
export class Resender implements Sender {
  readonly #clock: Clock;
  readonly #isOff: boolean;
  readonly #begin: (metadata: Metadata) => Found;
  readonly #callBuffer: number;
  readonly #channelBuffer: number;
  #isStopped = false;
  /** How many bytes of messages are kept. */
  #kept = 0;
  /** The calls that wait for a connection. */
  readonly #stranded = new Set<ResentCall>();

  constructor(clock: Clock, args: ChannelArgs, begin: (metadata: Metadata) => Found) {
    this.#clock = clock;
    this.#isOff = args[RETRIES_ARG] === 0;
    this.#callBuffer = sizeOf(CALL_BUFFER, args);
    this.#channelBuffer = sizeOf(CHANNEL_BUFFER, args);
    this.#begin = begin;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Guards the call that begins with this attempt: it is sent again if needed. */
  guard(attempt: Attempt): PickResult {
    return this.#isOff || !startsCalls(attempt.subchannel) ? attempt : new GuardedPick(attempt, this);
  }

  attempt(metadata: Metadata): Found {
    return this.#isStopped ? 'failing' : this.#begin(metadata);
  }

  /** Meanwhile the process stays alive, as for calls that wait in grpc-js. */
  strand(call: ResentCall, patience: number, onOver: () => void): Timer {
    this.#stranded.add(call);
    return this.#clock.schedule(onOver, patience, true);
  }

  unstrand(call: ResentCall): void {
    this.#stranded.delete(call);
  }

  keep(bytes: number, kept: number): boolean {
    if (kept + bytes > this.#callBuffer || this.#kept + bytes > this.#channelBuffer) return false;
    this.#kept += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#kept -= bytes;
  }

  /** There may be a connection now. */
  serve(): void {
    // If grpc-js hedges a call, one attempt that ends may end the others.
    for (const call of [...this.#stranded]) if (this.#stranded.has(call)) call.sendAgain();
  }

  /** The channel is closed. */
  stop(): void {
    this.#isStopped = true;
    for (const call of [...this.#stranded]) call.giveUp();
  }
}

function sizeOf({ arg, size }: { arg: string; size: number }, args: ChannelArgs): number {
  const { [arg]: given } = args;
  return typeof given === 'number' ? given : size;
}
