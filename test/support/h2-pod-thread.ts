import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { address } = workerData as { address: string };

/** Answers each request after as many milliseconds as its path says. */
const server = createServer();
server.on('session', (session) => session.on('error', () => {}));
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  setTimeout(
    () => {
      if (stream.destroyed) return;
      stream.respond({ ':status': 200 });
      stream.end('ok');
    },
    Number(headers[':path']!.slice(1)),
  );
});
server.listen(0, address, () => {
  parentPort!.postMessage((server.address() as AddressInfo).port);
});
