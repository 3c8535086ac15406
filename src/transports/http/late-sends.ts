import { AsyncResource } from 'node:async_hooks';
import { type Clock, setImmediate, systemClock } from '../../core/base/clock.ts';
import type { HttpAttempt } from './http-attempt.ts';
import { interceptDestroy } from './waiting.ts';

// A connection that was used before may have ended, although this process has not read that yet. A request that waits a
// moment notices it.

/** What is needed of a connection that gets a request late. */
interface LateWire {
  readonly options: { readonly clock: Clock };
  readonly broken: boolean;
  readonly destroyedBy: Error | undefined;
  give(call: HttpAttempt): void;
}

/**
 * Gives a request to a connection in the check phase of the event loop, as undici does. If the caller runs where
 * sockets are read, the check phase comes before sockets are read again. Then it takes two turns.
 */
export function giveAfterTurns(wire: LateWire, call: HttpAttempt, turns: 1 | 2): void {
  const { clock } = wire.options;
  const next = turns === 1 ? give : giveLater;
  if (clock.turn === undefined) setImmediate(next, wire, call);
  else clock.turn(() => next(wire, call));
}

function giveLater(wire: LateWire, call: HttpAttempt): void {
  giveAfterTurns(wire, call, 1);
}

/**
 * Gives a request to a connection after so many milliseconds, and after sockets were read, because timers come before
 * that. Runs in the present async context, which is the caller's; a timer would have none.
 */
export function giveAfter(wire: LateWire, call: HttpAttempt, milliseconds: number): void {
  const give = AsyncResource.bind(() => {
    restore();
    giveAfterTurns(wire, call, 1);
  });
  // Sockets have real time, unless the clock has an event loop of its own.
  const clock = wire.options.clock.turn === undefined ? systemClock : wire.options.clock;
  const timer = clock.schedule(give, milliseconds, true);
  const restore = interceptDestroy(call.request, () => {
    timer.cancel();
    give();
  });
}

function give(wire: LateWire, call: HttpAttempt): void {
  if (call.request.destroyed) call.onGivenUp();
  else if (wire.broken) call.onUnsent(wire.destroyedBy);
  else wire.give(call);
}
