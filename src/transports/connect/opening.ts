import type { ConnectService } from './connect-service.ts';
import { SessionCall } from './session-call.ts';

/** A call that wants a session, but no stream. */
export class Opening extends SessionCall {
  readonly method = 'CONNECT';
  private readonly service: ConnectService;
  private readonly done: (error: Error | undefined) => void;

  constructor(service: ConnectService, done: (error: Error | undefined) => void) {
    super();
    this.service = service;
    this.done = done;
  }

  describe(): { method: string; path: string } {
    return { method: this.method, path: '' };
  }

  startWaiting(): void {}

  stopWaiting(): void {}

  open(): void {
    this.service.calls.attempts.takeBack(this, false);
    this.done(undefined);
  }

  onUnopened(error: Error): void {
    this.service.calls.onUnsent(this, error);
  }

  fail(error: Error): void {
    this.done(error);
  }

  cut(): void {}
}
