import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/**
 * At rest nothing is left: no call, no wire, no dial; and after the end no timer either. A service that is left alone keeps
 * nothing connected, for there is no traffic that would keep it warm.
 */
export class AtRest extends Invariant {
  readonly name = 'at rest';

  /** Errors of an app count as load until there are more requests, however long that is. */
  #mayHold = false;

  override onSettled({ statusCode }: PlayedCall): void {
    if (statusCode >= 400 && (statusCode < 502 || statusCode > 504)) this.#mayHold = true;
  }

  override onRest(): void {
    const { service, world, transport } = this.scene;
    if (service.running + service.waiting > 0)
      this.violate(`${service.running} calls run, ${service.waiting} wait`);
    const open = [...world.wires].filter(({ closed }) => !closed).length;
    if (open > 0) this.violate(`${open} connections are open, and nobody calls`);
    if (transport.underWay.size > 0)
      this.violate(`${transport.underWay.size} dials are under way, and nobody calls`);
    for (const { key, inFlight, connected, dialing, overdue, lasting, load } of service.endpoints) {
      const all = inFlight + connected + dialing + overdue + lasting + (this.#mayHold ? 0 : load);
      if (all > 0) this.violate(`${key} has ${all} of something, and nobody calls`);
    }
  }

  override onOver(): void {
    const { world, transport, endedAt } = this.scene;
    if (endedAt < 0) return;
    const open = [...world.wires].filter(({ closed }) => !closed).length;
    if (open > 0) this.violate(`${open} connections are open after the end`);
    if (transport.underWay.size > 0)
      this.violate(`${transport.underWay.size} dials are under way after the end`);
    if (world.time.scheduled > 0) this.violate(`${world.time.scheduled} timers are left after the end`);
  }
}
