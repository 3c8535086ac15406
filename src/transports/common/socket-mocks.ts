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
      mocked = Function.prototype.toString.call(connect).includes(MARK);
    }
    return mocked && this.#matter;
  }
}
