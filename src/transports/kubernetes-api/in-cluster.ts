import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6, Socket } from 'node:net';
import { join } from 'node:path';
import { buildConnector, Pool } from 'undici';
import type { ApiResponse, AskingTransport } from '../../core/discovery/kubernetes/api.ts';

const CONNECT_TIMEOUT = 3_000;
/** After so many milliseconds without traffic, the system probes a connection, and so notices if its peer has vanished. */
const PROBE_AFTER = 30_000;
// Long enough for a watch to use the connection of its list.
const KEEP_ALIVE = 1_000;

export interface InClusterOptions {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`. */
  host: string;
  port: string;
  /** The directory with `token`, `ca.crt` and `namespace`. */
  serviceAccount: string;
}

/** A way to the API server of the cluster in which this process runs, with the pod's service account. */
export function inClusterTransport({ host, port, serviceAccount }: InClusterOptions): AskingTransport {
  const pool = new Pool(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, {
    connect: connectorTrusting(join(serviceAccount, 'ca.crt')),
    // A watch ends when its socket is closed. So other requests must not share the socket.
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE,
    keepAliveMaxTimeout: KEEP_ALIVE,
  });
  async function send(path: string, question: object | undefined, signal: AbortSignal): Promise<ApiResponse> {
    // The kubelet replaces the token before it expires.
    const token = (await readFile(join(serviceAccount, 'token'), 'utf8')).trim();
    const { statusCode, headers, body } = await pool.request({
      method: question === undefined ? 'GET' : 'POST',
      path,
      headers: {
        accept: 'application/json',
        'user-agent': 'evenkeel',
        authorization: `Bearer ${token}`,
        ...(question && { 'content-type': 'application/json' }),
      },
      ...(question && { body: JSON.stringify(question) }),
      signal,
    });
    const retryAfter = headers['retry-after'];
    return {
      status: statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body,
    };
  }

  return {
    namespace: namespaceIn(serviceAccount),
    get: (path, signal) => send(path, undefined, signal),
    post: send,
  };
}

/** Dials with the CA that is in the file now, because the file may be replaced. */
function connectorTrusting(caFile: string): buildConnector.connector {
  let ca = '';
  let connect: buildConnector.connector | undefined;
  return (options, callback) => {
    readFile(caFile, 'utf8').then(
      (current) => {
        if (connect === undefined || current !== ca) {
          ca = current;
          connect = buildConnector({
            ca,
            allowH2: false,
            timeout: CONNECT_TIMEOUT,
            keepAliveInitialDelay: PROBE_AFTER,
          });
        }
        // The types say void, but undici's connector returns the socket.
        const socket: unknown = connect(options, callback);
        if (socket instanceof Socket) detach(socket);
      },
      (error: Error) => callback(error, null),
    );
  };
}

/** The socket must not keep the process alive. undici refs a socket that it uses again. */
function detach(socket: Socket): void {
  socket.unref();
  socket.ref = () => socket;
}

function namespaceIn(serviceAccount: string): string | undefined {
  try {
    return readFileSync(join(serviceAccount, 'namespace'), 'utf8').trim();
  } catch {
    return undefined;
  }
}
