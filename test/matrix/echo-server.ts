import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** What the server says that it got. */
export interface Echo {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly contentLength: string | undefined;
}

export interface EchoServer {
  readonly address: string;
  readonly port: number;
  /** Requests and WebSockets that came. */
  readonly requests: number;
}

// RFC 6455, 1.3 and 5.5.1.
const WEB_SOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 8;

/**
 * Starts a server that says what it got, sends `/redirect` on to `/redirected`, never answers `/hang`, and
 * sends what comes through a WebSocket back.
 */
export async function startEchoServer(t: TestContext, address: string, port = 0): Promise<EchoServer> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    void answer(request, response);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (request, socket) => {
    requests++;
    acceptWebSocket(request, socket as Socket);
  });
  server.listen(port, address);
  await once(server, 'listening');
  t.after(() => close(server, sockets));
  return {
    address,
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url: path = '', headers } = request;
  if (path === '/hang') return;
  if (path === '/redirect') {
    response.writeHead(302, { location: '/redirected' }).end();
    return;
  }
  const body = await text(request);
  const echo: Echo = { method, path, body, contentLength: headers['content-length'] };
  response.end(JSON.stringify(echo));
}

function acceptWebSocket({ headers }: IncomingMessage, socket: Socket): void {
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key']}${WEB_SOCKET_GUID}`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.on('data', (frame: Buffer) => {
    socket.write(unmasked(frame));
    if ((frame[0]! & 15) === CLOSE) socket.end();
  });
}

/** The frame as a server has to send it; short ones only. */
function unmasked(frame: Buffer): Buffer {
  const mask = frame.subarray(2, 6);
  const payload = frame.subarray(6).map((byte, index) => byte ^ mask[index % 4]!);
  return Buffer.from([frame[0]!, payload.length, ...payload]);
}

async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  server.close();
  for (const socket of sockets) socket.destroy();
}
