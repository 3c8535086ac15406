import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { UnresponsiveError } from '../../core/base/errors.ts';
import { Patience } from '../../core/base/patience.ts';

/** The settings of connect-node's own session manager for PINGs, in milliseconds. `Infinity`: no PINGs. */
export interface PingSettings {
  /** Doubled if a server says that PINGs come too often. */
  pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly pingIdleConnection: boolean;
}

const TOO_MANY = Buffer.from('too_many_pings', 'ascii');

/**
 * The PINGs of one session, as connect-node's own session manager sends them: after each interval without a byte while
 * it carries something, and before a call that comes after a longer idle time.
 */
export class Pings {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #settings: PingSettings;
  readonly #clock: Clock;
  readonly #onSilence: (error: Error) => void;
  #next: Timer | undefined = undefined;
  #deadline: Timer | undefined = undefined;
  #bytesRead: number;
  #heardAt: number;
  #isBusy = false;
  #verifying: ((isThere: boolean) => void)[] | undefined = undefined;

  constructor(
    session: ClientHttp2Session,
    socket: Socket,
    settings: PingSettings,
    clock: Clock,
    onSilence: (error: Error) => void,
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#settings = settings;
    this.#clock = clock;
    this.#onSilence = onSilence;
    this.#bytesRead = socket.bytesRead;
    this.#heardAt = clock.now();
    this.#lookLater();
  }

  get #areWanted(): boolean {
    return this.#settings.pingIntervalMs < Number.POSITIVE_INFINITY;
  }

  /** Whether it has been silent for so long that it gets a PING before it gets a call. */
  get isInDoubt(): boolean {
    if (!this.#areWanted) return false;
    if (this.#verifying !== undefined) return true;
    // While it is idle, nobody records when it last sent something.
    if (this.#isBusy) this.#listen();
    return this.#clock.now() - this.#heardAt > this.#settings.pingIntervalMs;
  }

  /** Asks whether the peer is there. */
  verify(done: (isThere: boolean) => void): void {
    if (this.#verifying === undefined) {
      this.#verifying = [];
      this.#ping();
    }
    this.#verifying.push(done);
  }

  /** It carries something from now on. */
  onBusy(): void {
    this.#isBusy = true;
    this.#lookLater();
  }

  onIdle(): void {
    this.#isBusy = false;
    this.#listen();
    this.#lookLater();
  }

  /** The peer takes no more streams. It may say that PINGs came too often. */
  onGoAway(data: Uint8Array | undefined): void {
    if (data !== undefined && TOO_MANY.equals(data)) this.#settings.pingIntervalMs *= 2;
  }

  stop(): void {
    this.#next?.cancel();
    this.#deadline?.cancel();
    this.#onVerified(false);
  }

  #listen(): boolean {
    const { bytesRead } = this.#socket;
    if (bytesRead === this.#bytesRead) return false;
    this.#bytesRead = bytesRead;
    this.#heardAt = this.#clock.now();
    return true;
  }

  #lookLater(): void {
    if (!this.#areWanted) return;
    this.#next?.cancel();
    const { pingIntervalMs, pingIdleConnection } = this.#settings;
    if (this.#isBusy || pingIdleConnection) {
      this.#next = this.#clock.schedule(() => this.#look(), pingIntervalMs);
    }
  }

  #look(): void {
    if (!this.#listen()) this.#ping();
    this.#lookLater();
  }

  #ping(): void {
    if (this.#session.destroyed || this.#deadline !== undefined) return;
    // What came before the PING is no answer.
    this.#bytesRead = this.#socket.bytesRead;
    this.#deadline = new Patience(this.#clock, () => this.#onDue(), this.#settings.pingTimeoutMs);
    this.#session.ping((error) => {
      if (error !== null) return;
      this.#listen();
      this.#heardAt = this.#clock.now();
      this.#endWait();
      this.#onVerified(true);
    });
  }

  #endWait(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
  }

  #onDue(): void {
    this.#endWait();
    // It has sent something else meanwhile.
    if (this.#listen()) this.#onVerified(true);
    else
      this.#onSilence(new UnresponsiveError(`no PING was answered for ${this.#settings.pingTimeoutMs} ms`));
  }

  #onVerified(isThere: boolean): void {
    const waiting = this.#verifying ?? [];
    this.#verifying = undefined;
    for (const done of waiting) done(isThere);
  }
}
