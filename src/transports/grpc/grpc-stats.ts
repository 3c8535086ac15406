import { rowOf, type ServiceStats, statsOfRows } from '../../telemetry/stats.ts';
import type { Hub } from './hub.ts';

/**
 * What is known about one target, for all its channels, in the numbers of a service. Calls that wait do so inside
 * grpc-js, which doesn't count them.
 */
export function grpcStats({ clock, fleet, running, discovery }: Hub): ServiceStats {
  let free = 0;
  for (const { slots } of fleet.set.known)
    for (const { state, hasRoom } of slots) if (state === 'connected' && hasRoom) free++;
  const rows = Array.from(fleet.set.known, (endpoint) =>
    rowOf(endpoint, { opened: endpoint.opened, retired: endpoint.retirements }, clock.now()),
  );
  const crossZone = fleet.locality?.crossZoneShare;
  return statsOfRows(rows, { free, waiting: 0, running, discovery, crossZone });
}
