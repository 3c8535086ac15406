import type * as http2 from 'node:http2';
import type { SessionSettings } from './options.ts';

/** connect-node's own session manager, as far as evenkeel uses it. */
export interface StockSessions {
  request(
    method: string,
    path: string,
    headers: http2.OutgoingHttpHeaders,
    options: http2.ClientSessionRequestOptions,
  ): Promise<http2.ClientHttp2Stream>;
  notifyResponseByteRead(stream: http2.ClientHttp2Stream): void;
  state(): SessionState;
  error(): unknown;
  connect(): Promise<'open' | 'idle' | 'error'>;
  abort(reason?: Error): void;
}

/** The same states as in connect-node. */
export type SessionState = 'closed' | 'connecting' | 'open' | 'idle' | 'verifying' | 'error';

let warned = false;

/**
 * connect-node's own session manager, for a host that isn't balanced. `undefined` with a warning if it can't be
 * imported.
 */
export async function stockSessions(
  baseUrl: string,
  { connectTimeoutMs, idleConnectionTimeoutMs, pings, nodeOptions }: SessionSettings,
): Promise<StockSessions | undefined> {
  try {
    const { Http2SessionManager } = await import('@connectrpc/connect-node');
    return new Http2SessionManager(
      baseUrl,
      { ...pings, connectTimeoutMs, idleConnectionTimeoutMs },
      nodeOptions,
    );
  } catch (error) {
    if (!warned) {
      warned = true;
      process.emitWarning(
        `can't import @connectrpc/connect-node (${(error as Error).message}): evenkeel balances the calls to hosts that it would leave to it`,
        { type: 'EvenkeelWarning', code: 'EVENKEEL_NO_CONNECT_NODE' },
      );
    }
    return undefined;
  }
}
