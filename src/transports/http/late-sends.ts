import { AsyncResource } from 'node:async_hooks';
import { setImmediate, systemClock } from '../../core/base/clock.ts';
import type { HttpAttempt } from './http-attempt.ts';
import { interceptDestroy } from './waiting.ts';

// A connection that others had before may have ended without this process having read of it. What waits a moment learns of that.

/** A connection as far as it is given a request late. */
interface LateWire {
  readonly broken: boolean;
  readonly destroyedBy: Error | undefined;
  give(call: HttpAttempt): void;
}

/**
 * Gives a request to a connection in the check phase of the event loop, as undici does. Whoever is called where
 * sockets are read comes to that phase without another look at them: it takes two turns then.
 */
export function giveAfterTurns(wire: LateWire, call: HttpAttempt, turns: 1 | 2): void {
  if (turns === 1) setImmediate(give, wire, call);
  else setImmediate(giveAfterTurns, wire, call, 1);
}

/**
 * Gives a request to a connection in so many milliseconds, and after a look at it: timers come before that. It is given in
 * the async context of this moment, which its caller has, and timers have not.
 */
export function giveAfter(wire: LateWire, call: HttpAttempt, milliseconds: number): void {
  const give = AsyncResource.bind(() => {
    restore();
    giveAfterTurns(wire, call, 1);
  });
  const timer = systemClock.schedule(give, milliseconds, true);
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
