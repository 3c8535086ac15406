import { Socket } from 'node:net';
import { HandshakePatience } from './connect-time.ts';
import type { DialSteps } from './dial-steps.ts';
import { hangUp } from './failures.ts';
import type { Waiting } from './waiting.ts';

/** What callers ask a TLS socket. Before it is connected, there is no answer. */
const ASKED_OF_TLS = [
  'getPeerCertificate',
  'getPeerX509Certificate',
  'isSessionReused',
  'getCipher',
  'getProtocol',
];

/**
 * A connecting socket, as a request that waits for a connection has it with Node's agents.
 *
 * @param secure whether its connection will use TLS
 * @param dials how far the dials are that may bring the connection, once there are any
 */
export function connectingSocket(waiting: Waiting, secure: boolean, dials: DialSteps | undefined): Socket {
  const { request } = waiting;
  const patience = new HandshakePatience(request, dials);
  const socket = new Socket();
  const { emit } = socket;
  let error: Error | undefined;
  const tell = (event: string, ...args: unknown[]) =>
    Reflect.apply(emit, socket, [event, ...args]) as boolean;
  const tellEnd = () => {
    if (error !== undefined && socket.listenerCount('error') > 0) tell('error', error);
    tell('close', error !== undefined);
  };
  Object.assign(socket, {
    connecting: true,
    emit(event: string, ...args: unknown[]): boolean {
      switch (event) {
        case 'error':
          error = args[0] as Error;
          return true;
        case 'close':
          // With Node's agents, the request emits its event first.
          waiting.run(() => {
            request.destroy(error ?? hangUp());
            process.nextTick(tellEnd);
          });
          return true;
        case 'timeout':
          if (patience.takesMore()) {
            socket.setTimeout(socket.timeout!);
            return true;
          }
          // Node's own listener finds no request on this socket. (If it found one, it would write to the socket.)
          if (request.timeoutCb !== null) waiting.onTimeout();
      }
      return tell(event, ...args);
    },
  });
  if (secure) {
    const answers = ASKED_OF_TLS.map((name) => [name, () => undefined]);
    Object.assign(socket, { encrypted: true, authorized: false, ...Object.fromEntries(answers) });
  }
  return socket;
}
