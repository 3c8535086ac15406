// A server that answers at once: over HTTP/1.1, over HTTP/2, or over HTTP/2 with streams, without the API that is like that of HTTP/1.1.
// Says its port, and, whenever it is asked, the microseconds of CPU time that it has used.

import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';

const server = createServer(process.argv[2]);
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send!(user + system);
});

function createServer(protocol = 'http') {
  switch (protocol) {
    case 'http2':
      return createHttp2Server((_request, response) => void response.end('hello'));
    case 'http2 streams':
      return createHttp2Server().on('stream', (stream) => {
        stream.respond({ ':status': 200 });
        stream.end('hello');
      });
    default:
      return createHttpServer((_request, response) => void response.end('hello'));
  }
}
