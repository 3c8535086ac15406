import { channels } from '../base/channels.ts';
import { millisecondsOf } from '../base/ticks.ts';
import type { Pod } from '../connections/connection.ts';
import type { Outcome } from '../health/outcome.ts';
import type { Attempt, Call } from './call.ts';

/** Tells those who listen that a call was sent to an endpoint. */
export function tellStart(call: Call, { origin, address }: Pod): void {
  const { method, path } = call.describe();
  channels.requestStart.publish({
    origin,
    address,
    attempt: 1 + (call.history?.resent ?? 0),
    waited: millisecondsOf(call.waited),
    method,
    path,
  });
}

/**
 * Tells those who listen that an attempt has ended.
 *
 * @param duration in ticks
 */
export function tellEnd(
  { call, statusCode, connection }: Attempt,
  { origin, address }: Pod,
  duration: number,
  outcome: Outcome,
): void {
  const { method, path } = call.describe();
  channels.requestEnd.publish({
    origin,
    address,
    duration: millisecondsOf(duration),
    method,
    path,
    statusCode,
    outcome,
    protocol: connection?.multiplexed ? 'h2' : 'h1',
  });
}
