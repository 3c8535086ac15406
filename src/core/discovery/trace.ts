import { Changes } from './changes.ts';
import type { LookUpStep } from './dns/look-up.ts';
import type { ServiceName } from './kubernetes/match.ts';
import type { Route, Supply } from './kubernetes/route.ts';

/** How discovery came to what it yields. The parts that ask write it down, for `doctor` and `explain`. */
export class Trace {
  /** Which sources were asked for which names, each pair once. */
  readonly steps: LookUpStep[] = [];
  /** The warnings that the process would have emitted. */
  readonly warnings: { code: string; message: string }[] = [];
  /** What the Kubernetes API last said about a Service. `seen` is `undefined` if there is no Service with this name. */
  service: { name: ServiceName; seen: { supply: Supply; route: Route } | undefined } | undefined;
  /** Why the Kubernetes API could not be asked, or refused, the first time. */
  error: Error | undefined;
  /** Counts the answers of the Kubernetes API. */
  readonly changes = new Changes();

  readonly warn = (code: string, message: string): void => {
    this.warnings.push({ code, message });
  };

  addStep(step: LookUpStep): void {
    // When its TTL is over, the name is looked up again.
    const again = this.steps.some(({ source, name }) => source === step.source && name === step.name);
    if (!again) this.steps.push(step);
  }

  addService(name: ServiceName, seen: { supply: Supply; route: Route } | undefined): void {
    this.service = { name, seen };
    this.changes.add();
  }

  addFailure(error: Error): void {
    this.error ??= error;
    this.changes.add();
  }
}
