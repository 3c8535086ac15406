import { AsyncResource } from 'node:async_hooks';
import type { Dispatcher } from 'undici';
import { setImmediate, systemClock } from '../../core/base/clock.ts';
import { BodyWatch } from './body-watch.ts';
import type { Request } from './request.ts';

// A connection that was used before may have ended, although this process has not read that yet. A request that waits a
// moment notices it.

/** What is needed of a connection that gets a request late. */
interface LateWire {
  readonly destroyedBy: Error | undefined;
  send(request: Request): void;
}

/** Gives a request to a connection in the next turn of the event loop. */
export function sendAfterTurn(wire: LateWire, request: Request): void {
  setImmediate(send, wire, request, BodyWatch.of(request));
}

/**
 * Gives a request to a connection after so many milliseconds, and after sockets were read, because timers come before
 * that. Runs in the present async context, which is the caller's; a timer would have none.
 *
 * @returns a function that does it in the next turn, if that is sooner
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
