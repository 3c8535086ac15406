import { Changes } from './changes.ts';
import type { LookUpStep } from './dns/look-up.ts';
import type { ServiceName } from './kubernetes/match.ts';
import type { Route, Supply } from './kubernetes/route.ts';

/** How discovery came to what it yields: those that ask write it down, for somebody who wants to know why. */
export class Trace {
  /** The sources of names that were asked, each once for a name. */
  readonly steps: LookUpStep[] = [];
  /** What would have been the process's. */
  readonly warnings: { code: string; message: string }[] = [];
  /** The last that the Kubernetes API had to say of a Service: `seen` is none where it has none by that name. */
  service: { name: ServiceName; seen: { supply: Supply; route: Route } | undefined } | undefined;
  /** Why the Kubernetes API couldn't be asked, or refused, the first time. */
  error: Error | undefined;
  /** Of what the Kubernetes API has said. */
  readonly changes = new Changes();

  readonly warn = (code: string, message: string): void => {
    this.warnings.push({ code, message });
  };

  addStep(step: LookUpStep): void {
    // The name is looked up again when its time has run out.
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
