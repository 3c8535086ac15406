// This server answers with its own name. HOST and PORT say where it listens.
import { createServer } from 'node:http';
import { hostname } from 'node:os';

const { HOST = '0.0.0.0', PORT = '8080' } = process.env;
const name = HOST === '0.0.0.0' ? hostname() : HOST;

const server = createServer((_request, response) => response.end(`${name}\n`));
server.listen(Number(PORT), HOST, () => console.log(`orders listens on ${HOST}:${PORT}`));
process.once('SIGTERM', () => server.close());
