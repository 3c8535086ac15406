import type { SrvRecord } from 'node:dns';
import type { Families, Family } from './families.ts';
import type { FoundAddress } from './look-up-result.ts';
import type { Query, Records } from './query.ts';

interface Target {
  readonly record: SrvRecord;
  readonly records: Records;
}

// More questions at once could fill the receive buffer of a name server, and a lost question takes seconds.
const CONCURRENCY = 32;

/** Whether a name has the form `_port._proto.name`, with SRV records (RFC 2782). */
export function isServiceName(name: string): boolean {
  return /^_[^.]+\._[^.]+\./.test(name);
}

/**
 * Asks for the SRV records of a name, and for the addresses of their targets: only of the lowest priority value that
 * has any (RFC 2782). A target that can't be asked for is left out. If nothing is left then, its error is thrown. Node
 * doesn't say the TTL of an SRV record, so that of the addresses counts.
 */
export async function askForService(
  query: Query,
  name: string,
  families: Families,
  first?: Family,
): Promise<Records | undefined> {
  const failures: unknown[] = [];
  for (const records of byPriority(await query.services(name))) {
    const targets = await resolveTargets(query, records, families, first, failures);
    const [target] = targets;
    if (target === undefined) continue;
    // If a target is missing, it is asked for again soon.
    const ttl = failures.length > 0 ? 0 : Math.min(...targets.map(({ records }) => records.ttl));
    return { addresses: merge(targets), family: target.records.family, ttl };
  }
  if (failures.length > 0) throw failures[0];
  return undefined;
}

/** The records in groups that are equal in priority, the most preferred first. */
function byPriority(records: readonly SrvRecord[]): SrvRecord[][] {
  // A target without a name means that the service isn't offered. Nothing can be reached on port 0.
  const offered = records.filter(({ name, port }) => name !== '' && port !== 0);
  const priorities = new Set(offered.map(({ priority }) => priority).sort((a, b) => a - b));
  return Array.from(priorities, (wanted) => offered.filter(({ priority }) => priority === wanted));
}

async function resolveTargets(
  query: Query,
  records: readonly SrvRecord[],
  families: Families,
  first: Family | undefined,
  failures: unknown[],
): Promise<Target[]> {
  const targets: Target[] = [];
  const queue = records.values();
  async function work(): Promise<void> {
    for (const record of queue) {
      try {
        const found = await query.addresses(record.name, families, first);
        if (found) targets.push({ record, records: found });
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return targets;
}

/** The addresses of a target share its weight. If all weights are equal, they are left out. */
function merge(targets: readonly Target[]): FoundAddress[] {
  const merged = new Map<string, Required<FoundAddress>>();
  for (const { record, records } of targets) {
    for (const { address } of records.addresses) {
      const key = `${address} ${record.port}`;
      // The algorithm of RFC 2782 gives a weight of 0 about the chance of a 1.
      const share = Math.max(record.weight, 1) / records.addresses.length;
      const weight = share + (merged.get(key)?.weight ?? 0);
      merged.set(key, { address, port: record.port, weight });
    }
  }
  const addresses = [...merged.values()];
  const equal = addresses.every(({ weight }) => weight === addresses[0]?.weight);
  return equal ? addresses.map(({ address, port }) => ({ address, port })) : addresses;
}
