import type { Trace } from '../trace.ts';
import { ApiError } from './api.ts';
import { grantCommand } from './grant.ts';
import type { ServiceName } from './match.ts';
import type { Warn } from './warnings.ts';

/** Warns the user if a Service can't be followed, and says what would help. */
export class Complaints {
  readonly #namespace: string;
  readonly #warn: Warn;
  readonly #trace: Trace | undefined;

  constructor({ namespace }: ServiceName, warn: Warn, trace: Trace | undefined) {
    this.#namespace = namespace;
    this.#warn = warn;
    this.#trace = trace;
  }

  /**
   * A request failed, and is tried again. `refused`: there is no right to make it. `hopeless`: none has succeeded for
   * long.
   */
  failed(error: Error, { refused, hopeless }: { refused: boolean; hopeless: boolean }): void {
    this.#trace?.addFailure(error);
    if (error instanceof ApiError && error.status === 403) {
      // A 403 may pass if the API server has just started.
      if (!refused) return;
      this.#warn(
        'EVENKEEL_KUBERNETES_FORBIDDEN',
        `evenkeel may not read the Services and EndpointSlices of namespace ${this.#namespace}, so it uses DNS; to grant it: ${this.#grantFor(error)}`,
      );
    } else if (hopeless) {
      this.#warn(
        'EVENKEEL_KUBERNETES_UNREACHABLE',
        `evenkeel can't ask Kubernetes, so it uses DNS: ${error.message}`,
      );
    }
  }

  /** There is no right to watch the Service. It is read every few seconds instead. */
  unwatchable(error: Error): void {
    this.#warn(
      'EVENKEEL_KUBERNETES_FORBIDDEN',
      `evenkeel may not watch the Services of namespace ${this.#namespace}, so it reads them every few seconds; to grant it: ${this.#grantFor(error)}`,
    );
  }

  #grantFor(error: Error): string {
    return grantCommand(this.#namespace, accountIn(error));
  }
}

/** The service account that a refusal names. */
function accountIn({ message }: Error): ServiceName | undefined {
  const [, namespace, name] = /system:serviceaccount:([^":]+):([^":]+)/.exec(message) ?? [];
  return namespace && name ? { namespace, name } : undefined;
}
