import { connect } from 'node:net';
import type { FoundAddress } from './look-up-result.ts';

/** Whether anybody accepts a TCP connection at an address. Closes it again. False once `signal` aborts. */
export function knock({ address, port }: FoundAddress, usual: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: port ?? usual, signal }).unref();
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    // Its errors don't matter.
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });
}
