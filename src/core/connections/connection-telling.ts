import type { Channel } from 'node:diagnostics_channel';
import type { RetireReason } from './retire-reason.ts';

/** What subscribers hear of a connection. */
interface Told {
  readonly endpoint: { readonly origin: string; readonly address: string };
  /** In milliseconds. */
  readonly age: number;
  readonly requests: number;
  readonly multiplexed: boolean;
}

/** Publishes that a connection has opened, retired or closed. */
export function tellOf(connection: Told, channel: Channel, reason?: RetireReason): void {
  if (!channel.hasSubscribers) return;
  const { endpoint, age, requests, multiplexed } = connection;
  const { origin, address } = endpoint;
  channel.publish({ origin, address, reason, requests, age, protocol: multiplexed ? 'h2' : 'h1' });
}
