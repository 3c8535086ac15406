import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { Service } from '../../src/core/service.ts';
import { FakeClock } from './clock.ts';
import { keyed } from './keyed.ts';
import { ManualResolver } from './manual-resolver.ts';
import { MemoryCall, type MemoryCallOptions } from './memory-call.ts';
import { MemoryPod } from './memory-pod.ts';
import { MemoryTransport } from './memory-transport.ts';
import { seededRandom } from './random.ts';

export interface MemoryServiceOptions {
  /** How many there are, numbered from 1. */
  pods?: number;
  /** Whether discovery yields them at once. */
  isKnown?: boolean;
  multiplexes?: boolean;
  options?: BalancedAgentOptions;
  seed?: number;
}

/**
 * A service on a transport of memory, by a clock that is told to go on. When the test ends, it is ended: each call that it
 * was given has settled by then, once, and nothing is left behind.
 */
export class MemoryService {
  readonly clock = new FakeClock();
  readonly resolver = new ManualResolver();
  readonly pods: readonly MemoryPod[];
  readonly transport: MemoryTransport;
  readonly service: Service;
  readonly calls: MemoryCall[] = [];
  /** Errors of dials, as the caller hears of them. */
  readonly dialErrors: Error[] = [];
  /** Times that it took calls again. */
  drains = 0;

  constructor(
    t: TestContext,
    { pods = 2, isKnown = true, multiplexes = false, options = {}, seed = 1 }: MemoryServiceOptions = {},
  ) {
    const { clock } = this;
    this.pods = Array.from({ length: pods }, (_, n) => new MemoryPod(n + 1));
    this.transport = new MemoryTransport(multiplexes, 4_000, clock);
    for (const pod of this.pods) this.transport.pods.set(pod.endpoint.address, pod);
    if (isKnown && pods > 0) this.resolver.set(this.pods);
    this.service = new Service(
      {
        key: 'orders',
        url: new URL('http://orders.prod'),
        settings: resolveSettings({ clock, random: seededRandom(seed), ...keyed(options) }, {}),
        resolver: this.resolver.resolve,
        transport: this.transport,
        identity: 'client',
      },
      {
        onConnectionError: (_service, error) => void this.dialErrors.push(error),
        onDrain: () => void this.drains++,
        onIdle() {},
      },
    );
    t.after(() => this.#end());
  }

  /** Hands it a call. */
  call(options?: MemoryCallOptions): MemoryCall {
    const call = new MemoryCall(this.service, options);
    this.calls.push(call);
    this.service.dispatch(call, false);
    return call;
  }

  /** So many at once. */
  burst(count: number, options?: MemoryCallOptions): MemoryCall[] {
    return Array.from({ length: count }, () => this.call(options));
  }

  /** Time goes on. */
  run(duration: number | string): Promise<void> {
    return this.clock.run(duration);
  }

  /** Time goes on, and calls come, one each `interval` milliseconds. */
  async load(count: number, interval: number, options?: MemoryCallOptions): Promise<MemoryCall[]> {
    const calls: MemoryCall[] = [];
    for (let n = 0; n < count; n++) {
      calls.push(this.call(options));
      await this.run(interval);
    }
    return calls;
  }

  pod(n: number): MemoryPod {
    const pod = this.pods[n - 1];
    assert.ok(pod !== undefined);
    return pod;
  }

  /** How it answers: that many milliseconds after each call. */
  allAnswerAfter(after: number): void {
    for (const pod of this.pods) pod.react = () => ({ name: 'answer', after });
  }

  /** Connections that are open. */
  get open(): number {
    return this.pods.reduce((sum, { wires }) => sum + wires.size, 0);
  }

  async #end(): Promise<void> {
    let ended = false;
    void this.service.destroy(new Error('the test is over')).then(() => {
      ended = true;
    });
    await this.run(10);
    assert.ok(ended, 'the service ends when it is destroyed');
    assert.equal(this.open, 0, 'no connection is left open');
    assert.equal(this.service.running + this.service.waiting, 0, 'nothing is counted as under way');
    const { length } = this.transport.dials;
    await this.run(2_000);
    assert.equal(this.transport.dials.length, length, 'nothing is dialled after the end');
    assert.equal(this.clock.pending, 0, 'no timer is left');
    for (const { ends } of this.calls) assert.equal(ends.length, 1, 'each call settles once');
  }
}
