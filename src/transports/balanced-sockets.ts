import type { Socket } from 'node:net';

/** The sockets of connections that evenkeel has made for requests: not those of others, which are only watched. */
export const balancedSockets = new WeakSet<Socket>();
