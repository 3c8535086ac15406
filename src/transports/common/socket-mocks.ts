import { Socket } from 'node:net';
import type { Settings } from '../../config/settings.ts';

/** All mocks that take the place of sockets are built on @mswjs/interceptors, whose `connect` reads this global. */
const MARK = '__MSW_INTERNAL_CONNECTION_CONTEXT';

/** The `connect` of sockets at the last look, and whether it was a mock's. */
let seen: unknown;
let mocked = false;

/**
 * Tells whether a mock takes the place of sockets now: nock from 15 on, msw from 3 on. Such a mock sees what is dialled,
 * and often it answers for names that no DNS server knows. So while it is there, all requests are sent as if there were
 * no evenkeel. Tracers replace `connect` too: they don't count.
 */
export class SocketMocks {
  readonly #matter: boolean;

  constructor({ discovery }: Settings) {
    // Only evenkeel can find the names of the user's own discovery.
    this.#matter = typeof discovery !== 'function';
  }

  get areActive(): boolean {
    const { connect } = Socket.prototype;
    if (connect !== seen) {
      seen = connect;
      mocked = isMock(connect);
    }
    return mocked && this.#matter;
  }
}

function isMock(connect: object): boolean {
  // Also in a sandbox, as Jest's, where globals are others. A tracer that came later hides it, but not the registry.
  if (Function.prototype.toString.call(connect).includes(MARK)) return true;
  const { __MSW_INTERCEPTORS_REGISTRY: registry } = globalThis as {
    __MSW_INTERCEPTORS_REGISTRY?: Map<symbol, { readyState?: unknown }>;
  };
  return registry?.get(Symbol.for('socket-interceptor'))?.readyState === 'ACTIVE';
}
