import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

// RFC 6455, as far as short messages that come in one frame.
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 8;
const HEADER = 2;
const MASK = 4;

/** Accepts a WebSocket, and echoes what it says. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex): void {
  const key = createHash('sha1').update(request.headers['sec-websocket-key'] + KEY_SUFFIX);
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
      `sec-websocket-accept: ${key.digest('base64')}\r\n\r\n`,
  );
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let length = frameLength(received); received.length >= length; length = frameLength(received)) {
      echo(received.subarray(0, length), socket);
      received = received.subarray(length);
    }
  });
  // One that breaks is counted when it closes.
  socket.on('error', () => {});
}

function frameLength(received: Buffer): number {
  return HEADER + MASK + (received.length >= HEADER ? received[1]! & 0x7f : 0);
}

/** Sends a frame back, without the mask that only clients put on. */
function echo(frame: Buffer, socket: Duplex): void {
  const mask = frame.subarray(HEADER, HEADER + MASK);
  const payload = frame.subarray(HEADER + MASK).map((byte, index) => byte ^ mask[index % MASK]!);
  socket.write(Buffer.concat([Buffer.from([frame[0]!, payload.length]), payload]));
  if ((frame[0]! & 0x0f) === CLOSE) socket.end();
}
