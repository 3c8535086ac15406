import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { type Pod, startPods } from '../../../support/pods.ts';

/** Pods that all do what a path says, and echo WebSockets. */
export async function startClientPods(t: TestContext, count: number): Promise<Pod[]> {
  const pods = await startPods(t, count, { keepAliveTimeout: 60_000 });
  for (const pod of pods) {
    pod.respond = (request, response) => void answer(request, response);
    const sockets = new WebSocketServer({ noServer: true });
    pod.server.on('upgrade', (request, socket, head) => {
      if (request.url === '/hang') return;
      if (request.url === '/reset') socket.destroy();
      else if (request.url !== '/')
        socket.end('HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      else
        sockets.handleUpgrade(request, socket, head, (accepted) => {
          accepted.on('message', (data) => accepted.send(`echo: ${data}`));
        });
    });
  }
  return pods;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers, socket } = request;
  const body = await text(request).catch(() => undefined);
  if (body === undefined) return;
  switch (url) {
    case '/hang':
      return;
    case '/reset':
      socket.destroy();
      return;
    case '/cut':
      response.writeHead(200, { 'content-length': 10 });
      response.write('hello', () => socket.destroy());
      return;
    case '/redirect':
      response.writeHead(302, { location: '/redirected' }).end('elsewhere');
      return;
    case '/503':
      response.writeHead(503, { 'content-type': 'text/plain' }).end('not now');
      return;
    case '/large':
      response.end('x'.repeat(200_000));
      return;
    default: {
      const digest = createHash('sha1').update(body).digest('hex').slice(0, 8);
      const length = headers['content-length'] ?? headers['transfer-encoding'];
      response.setHeader('content-type', 'text/plain');
      response.end(`${method} ${url} ${body.length} ${digest} ${length}`);
    }
  }
}
