import { AsyncResource } from 'node:async_hooks';
import type { Dispatcher } from 'undici';
import { setImmediate, systemClock } from '../../core/base/clock.ts';
import { BodyWatch } from './body-watch.ts';
import type { Request } from './request.ts';

// A connection that others had before may have ended without this process having read of it. What waits a moment learns of that.

/** A connection as far as it is given a request late. */
interface LateWire {
  readonly destroyedBy: Error | undefined;
  send(request: Request): void;
}

/** Gives a request to a connection in the next turn of the event loop. */
export function sendAfterTurn(wire: LateWire, request: Request): void {
  setImmediate(send, wire, request, BodyWatch.of(request));
}

/**
 * Gives a request to a connection in so many milliseconds, and after a look at it: timers come before that. It is given in
 * the async context of this moment, which its caller has, and timers have not.
 *
 * @returns what has that be done in the next turn, if it waits for longer
 */
export function sendAfter(wire: LateWire, request: Request, milliseconds: number): () => void {
  const bodyWatch = BodyWatch.of(request);
  let waits = true;
  const sendSoon = AsyncResource.bind(() => {
    waits = false;
    setImmediate(send, wire, request, bodyWatch);
  });
  const timer = systemClock.schedule(sendSoon, milliseconds, true);
  return () => {
    if (!waits) return;
    timer.cancel();
    sendSoon();
  };
}

function send(wire: LateWire, request: Request, bodyWatch: BodyWatch | undefined): void {
  bodyWatch?.leave();
  const { destroyedBy } = wire;
  if (destroyedBy === undefined) wire.send(request);
  else request.onResponseError?.(null as unknown as Dispatcher.DispatchController, destroyedBy);
}
