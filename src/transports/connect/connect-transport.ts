import type * as http2 from 'node:http2';
import type { NetConnectOpts } from 'node:net';
import { type Clock, systemClock } from '../../core/base/clock.ts';
import { isProcessHeld } from '../../core/base/process-hold.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import type { Dial, DialDone, Target, Transport } from '../../core/connections/transport.ts';
import { unacknowledged } from '../../core/connections/unacknowledged.ts';
import { Dialer, servernameOf } from '../http/dialer.ts';
import { ColdStart } from './cold-start.ts';
import type { PingSettings } from './pings.ts';
import { type MadeSession, SessionDial } from './session-dial.ts';
import { SessionWire, type SessionWireOptions } from './session-wire.ts';

export interface ConnectTransportOptions {
  url: URL;
  clock: Clock;
  /** The user's options for Node's sessions. */
  nodeOptions: http2.ClientSessionOptions | http2.SecureClientSessionOptions;
  connectTimeout: number;
  /** For how many milliseconds an idle session lasts. */
  keepAlive: number;
  pings: PingSettings;
}

/** Makes HTTP/2 sessions. */
export class ConnectTransport implements Transport {
  readonly clock = systemClock;
  readonly multiplexes = true;
  readonly isProcessHeld = isProcessHeld;
  readonly unacknowledged = unacknowledged;
  readonly keepAlive: number;
  /** The error with which the last session broke, if no session was made since. */
  broken: Error | undefined = undefined;
  readonly #options: ConnectTransportOptions;
  readonly #dialer: Dialer;
  readonly #wires: SessionWireOptions;
  readonly #coldStart: ColdStart;

  constructor(options: ConnectTransportOptions) {
    const { url, clock, nodeOptions, connectTimeout, keepAlive, pings } = options;
    const { keepAlive: enabled = false, keepAliveInitialDelay = 0 } = nodeOptions as NetConnectOpts;
    this.#options = options;
    this.#dialer = new Dialer({
      url,
      servername: servernameFor(url, nodeOptions),
      connect: { ...nodeOptions, ALPNProtocols: protocolsOf(nodeOptions) },
      connectTimeout,
    });
    this.#wires = {
      clock,
      keepAlive,
      pings,
      tcpKeepAlive: { enabled, initialDelay: keepAliveInitialDelay },
    };
    this.#coldStart = new ColdStart(clock);
    this.keepAlive = keepAlive;
  }

  get timeout(): number {
    return this.#dialer.timeout;
  }

  get patience(): number {
    return this.#dialer.patience;
  }

  dial(target: Target, done: DialDone): Dial {
    const { url, nodeOptions } = this.#options;
    const options = { url, dialer: this.#dialer, nodeOptions };
    return this.#coldStart.dial(
      (made) =>
        new SessionDial(target, options, (error, session) => made(error, session && this.#wireOf(session))),
      done,
    );
  }

  #wireOf({ session, socket }: MadeSession): SessionWire {
    const wire = new SessionWire(session, socket, this.#wires);
    this.broken = undefined;
    let broken: Error | undefined;
    session
      .once('error', (error) => {
        broken = error;
      })
      .once('close', () => {
        this.broken = broken;
        this.#coldStart.onClosed(wire);
      });
    return wire;
  }

  knock(target: Target, done: (error: Error | null) => void): Dial {
    return this.#dialer.knock(target, (error, socket) => {
      socket?.on('error', noop).destroy();
      done(error);
    });
  }

  /** evenkeel sends no health checks here: HTTP health checks would be another protocol. */
  check(): { abandon(): void } {
    return { abandon: noop };
  }
}

/** The name for SNI and for the certificate check, as in Node: '' for an IP address. */
function servernameFor(url: URL, nodeOptions: ConnectTransportOptions['nodeOptions']): string {
  const { servername } = nodeOptions as http2.SecureClientSessionOptions;
  return servername ?? servernameOf(withoutBrackets(url.hostname), undefined);
}

/** The protocols that TLS offers, as in Node. */
function protocolsOf(nodeOptions: ConnectTransportOptions['nodeOptions']): string[] {
  const { allowHTTP1 } = nodeOptions as { allowHTTP1?: boolean };
  return allowHTTP1 === true ? ['h2', 'http/1.1'] : ['h2'];
}

function noop(): void {}
