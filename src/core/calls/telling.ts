import { channels } from '../base/channels.ts';
import { millisecondsOf } from '../base/ticks.ts';
import type { Pod } from '../connections/connection.ts';
import type { Outcome } from '../health/outcome.ts';
import type { Attempt, Call } from './call.ts';

/**
 * Hears of each attempt that has ended; `duration` is in ticks. A direct call allocates nothing, unlike a message on a
 * channel.
 */
export type OnAttemptEnd = (attempt: Attempt, endpoint: Pod, duration: number, outcome: Outcome) => void;

/** The functions that hear of all attempts in this process. */
const hearers = new Set<OnAttemptEnd>();

/** @returns a function that stops it */
export function hearOfAttempts(hear: OnAttemptEnd): () => void {
  hearers.add(hear);
  return () => hearers.delete(hear);
}

/** Publishes that a call was sent to an endpoint. */
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

/** Whether any listener wants to know when an attempt ends. */
export function isEndHeard(): boolean {
  return hearers.size > 0 || channels.requestEnd.hasSubscribers;
}

/**
 * Tells all listeners and subscribers that an attempt has ended.
 *
 * @param duration in ticks
 */
export function tellEnd(attempt: Attempt, endpoint: Pod, duration: number, outcome: Outcome): void {
  for (const hear of hearers) hear(attempt, endpoint, duration, outcome);
  if (!channels.requestEnd.hasSubscribers) return;
  const { call, statusCode, connection } = attempt;
  const { origin, address } = endpoint;
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
