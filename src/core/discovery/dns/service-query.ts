import type { SrvRecord } from 'node:dns';
import type { Families, Family } from './families.ts';
import type { FoundAddress } from './look-up-result.ts';
import type { Query, Records } from './query.ts';

interface Target {
  readonly record: SrvRecord;
  readonly records: Records;
}

// More questions at once could overrun a name server's receive buffer, and a lost one takes seconds.
const CONCURRENCY = 32;

/** Whether it is a name of the form `_port._proto.name`, which has SRV records (RFC 2782). */
export function isServiceName(name: string): boolean {
  return /^_[^.]+\._[^.]+\./.test(name);
}

/**
 * Asks for a name's SRV records and the addresses of their targets: of the lowest priority value where there are
 * any (RFC 2782). A target that can't be asked for is left out, and throws only where it leaves nothing.
 * Node doesn't tell an SRV record's time to live; it is taken to be that of the addresses.
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
    // What is missing is asked for again soon.
    const ttl = failures.length > 0 ? 0 : Math.min(...targets.map(({ records }) => records.ttl));
    return { addresses: merge(targets), family: target.records.family, ttl };
  }
  if (failures.length > 0) throw failures[0];
  return undefined;
}

/** The records in groups that are equal in priority, the most preferred first. */
function byPriority(records: readonly SrvRecord[]): SrvRecord[][] {
  // A target without a name says that the service is not offered; none can be reached on port 0.
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

/** A target's addresses share its weight. Weights that are all the same say nothing and are left out. */
function merge(targets: readonly Target[]): FoundAddress[] {
  const merged = new Map<string, Required<FoundAddress>>();
  for (const { record, records } of targets) {
    for (const { address } of records.addresses) {
      const key = `${address} ${record.port}`;
      // RFC 2782's way to draw gives a weight of 0 about the chance of a 1.
      const share = Math.max(record.weight, 1) / records.addresses.length;
      const weight = share + (merged.get(key)?.weight ?? 0);
      merged.set(key, { address, port: record.port, weight });
    }
  }
  const addresses = [...merged.values()];
  const equal = addresses.every(({ weight }) => weight === addresses[0]?.weight);
  return equal ? addresses.map(({ address, port }) => ({ address, port })) : addresses;
}
