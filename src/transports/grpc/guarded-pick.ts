import type { Attempt } from './attempts.ts';
import {
  type CallListener,
  type Metadata,
  PICKS,
  type PickedSubchannel,
  type PickResult,
} from './grpc-js.ts';
import { ResentCall, type Sender } from './resent-call.ts';

/**
 * A pick whose call is sent again if its server refuses it by ending the connection. It takes the place of the
 * subchannel.
 */
export class GuardedPick implements PickResult, PickedSubchannel {
  readonly pickResultType = PICKS.COMPLETE;
  readonly status = null;
  /** The call reports its attempts itself. */
  readonly onCallStarted = null;
  readonly onCallEnded = null;
  readonly #attempt: Attempt;
  readonly #sender: Sender;

  constructor(attempt: Attempt, sender: Sender) {
    this.#attempt = attempt;
    this.#sender = sender;
  }

  get subchannel(): PickedSubchannel {
    return this;
  }

  getRealSubchannel(): object {
    return this;
  }

  createCall(
    metadata: Metadata,
    host: string,
    method: string,
    listener: CallListener,
    callId?: number,
  ): ResentCall {
    return new ResentCall(this.#attempt, this.#sender, { metadata, host, method, callId }, listener);
  }

  getConnectivityState(): number {
    return this.#attempt.subchannel.getConnectivityState();
  }

  getCallCredentials(): unknown {
    return this.#attempt.subchannel.getCallCredentials?.();
  }

  getChannelzRef(): unknown {
    return this.#attempt.subchannel.getChannelzRef();
  }

  getAddress(): string {
    return this.#attempt.subchannel.getAddress();
  }
}
