// A server that answers at once. Says its port, and, whenever it is asked, the microseconds of CPU time that it has used.

import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';

const server =
  process.argv[2] === 'http2'
    ? createHttp2Server((_request, response) => void response.end('hello'))
    : createHttpServer((_request, response) => void response.end('hello'));
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send!(user + system);
});
