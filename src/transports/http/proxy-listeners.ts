import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { NodeRequest } from './node-http.ts';

/** How http-proxy tells its users of a request, in the code of what it listens with. Those made of it do so too. */
const TELLS_OF_REQUEST = /\bemit\(\s*['"`]proxyReq['"`]/;

/** A request of follow-redirects, which http-proxy may have in the place of Node's: that one tells it of each socket. */
interface Redirected {
  readonly _redirectable?: EventEmitter;
}

/**
 * Has http-proxy tell its users of a request at the time at which they count on it. It waits for `'socket'`, which Node's agents
 * have a request emit in the next tick: before anything of a body has come, so that users set headers, or write a body
 * of their own. A request that gets its socket later has made up its head by then, and Node throws.
 */
export function tellProxyUsers(request: NodeRequest): void {
  // What has ended has its head, and is nobody's who passes a body on.
  if (request.finished || request.destroyed || request.listenerCount('socket') === 0) return;
  tellUsersOf(request as unknown as EventEmitter);
  const { _redirectable } = request as Redirected;
  if (_redirectable !== undefined) tellUsersOf(_redirectable);
}

function tellUsersOf(request: EventEmitter): void {
  for (const listener of request.listeners('socket') as ((socket: Socket) => void)[]) {
    if (!TELLS_OF_REQUEST.test(Function.prototype.toString.call(listener))) continue;
    request.off('socket', listener);
    // It is still to be connected, as with Node's agents.
    listener.call(request, new Socket());
  }
}
