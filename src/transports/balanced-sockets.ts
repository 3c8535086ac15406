import type { Socket } from 'node:net';

/**
 * The sockets of connections that evenkeel has made for requests. Sockets of other code, which evenkeel only watches,
 * aren't here.
 */
export const balancedSockets = new WeakSet<Socket>();
