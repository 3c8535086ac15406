import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** undici's connector, and the sockets that it has yielded. */
export function recordedConnector(options: object = {}): {
  connect: buildConnector.connector;
  sockets: readonly Socket[];
} {
  const dial = buildConnector(options);
  const sockets: Socket[] = [];
  return {
    sockets,
    connect: (params, callback) =>
      dial(params, (...[error, socket]: Parameters<buildConnector.Callback>) => {
        if (socket) sockets.push(socket);
        callback(...([error, socket] as Parameters<buildConnector.Callback>));
      }),
  };
}
