import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Timer } from '../core/base/clock.ts';
import { Broadcast } from './broadcast.ts';
import { MetricsText } from './metrics-text.ts';
import { viewOfProcess } from './view.ts';
import { refusalOf } from './visitors.ts';

/** `undefined` in a CommonJS bundle. Bundlers look for what `new URL()` names if it has `import.meta.url` in it. */
const { url: here } = import.meta as { url?: string };
const FILE = /^\/(?:page\/[a-z-]+\.(js|css|svg))?$/;
const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
/** The page needs nothing from elsewhere, and no other page may put it into a frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** How many sockets may be open at a time. More are closed at once. */
const MOST_SOCKETS = 64;
/** Within how many milliseconds a request must arrive. */
const PATIENCE = 5_000;
/** After how many milliseconds an address that is taken is tried again. */
const AGAIN = 1_000;

/** Serves the live page, and the data for it. Nothing is measured before somebody looks. Doesn't keep the process alive. */
export class AdminServer {
  readonly #host: string;
  readonly #port: number;
  readonly #server: Server;
  readonly #broadcast = new Broadcast();
  readonly #metrics = { all: new MetricsText(false), byEndpoint: new MetricsText(true) };
  #again: Timer | undefined;
  #warned = false;

  /** @param address `host:port` */
  static open(address: string): AdminServer {
    return new AdminServer(address);
  }

  private constructor(address: string) {
    const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address)!;
    this.#host = host!;
    this.#port = Number(port);
    this.#server = createServer({
      headersTimeout: PATIENCE,
      requestTimeout: PATIENCE,
      keepAliveTimeout: PATIENCE,
      connectionsCheckingInterval: PATIENCE / 5,
      maxHeaderSize: 8 * 1024,
    });
    this.#server.maxConnections = MOST_SOCKETS;
    this.#server.unref();
    this.#server.on('connection', (socket) => socket.unref());
    this.#server.on('error', (error) => this.#onError(error));
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#listen();
  }

  /** The address on which it listens, once it does. */
  get address(): AddressInfo | undefined {
    return (this.#server.address() as AddressInfo | null) ?? undefined;
  }

  /** Resolves when it listens. */
  get ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server.listening) resolve();
      else this.#server.once('listening', resolve);
    });
  }

  close(): void {
    this.#again?.cancel();
    this.#again = undefined;
    this.#broadcast.stop();
    this.#metrics.all.stop();
    this.#metrics.byEndpoint.stop();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #listen(): void {
    // Not the socket that workers of a cluster share, because another worker would answer each request.
    this.#server.listen({ host: this.#host, port: this.#port, exclusive: true });
  }

  /** Another process, or another worker, has the address. That one may end. */
  #onError(error: Error): void {
    if (!this.#warned) {
      this.#warned = true;
      process.emitWarning(
        `the admin page can't be served at ${this.#host}:${this.#port}: ${error.message}; evenkeel tries again every second`,
        { type: 'EvenkeelWarning', code: 'EVENKEEL_ADMIN_ADDRESS' },
      );
    }
    this.#again = systemClock.schedule(() => this.#listen(), AGAIN);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    response.setHeader('cache-control', 'no-store');
    const refusal = refusalOf(request, this.#host);
    if (refusal !== undefined) {
      if (refusal.status === 405) response.setHeader('allow', 'GET');
      // The rest of the request isn't waited for.
      response.setHeader('connection', 'close');
      send(response, refusal.status, 'text/plain', `${refusal.message}\n`);
      return;
    }
    const [pathname = '', query] = request.url!.split('?', 2);
    try {
      if (pathname === '/stats') send(response, 200, 'application/json', JSON.stringify(viewOfProcess()));
      else if (pathname === '/events') this.#stream(response);
      else if (pathname === '/metrics')
        this.#sendMetrics(response, new URLSearchParams(query).get('byEndpoint') === 'true');
      else await sendFile(response, pathname);
    } catch (error) {
      process.emitWarning(error as Error);
      if (response.headersSent) response.destroy();
      else send(response, 500, 'text/plain', 'this went wrong\n');
    }
  }

  #stream(response: ServerResponse): void {
    if (this.#broadcast.isFull) {
      send(response, 503, 'text/plain', 'too many are watching\n');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.#broadcast.add(response);
  }

  #sendMetrics(response: ServerResponse, byEndpoint: boolean): void {
    const metrics = byEndpoint ? this.#metrics.byEndpoint : this.#metrics.all;
    send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', metrics.read());
  }
}

async function sendFile(response: ServerResponse, pathname: string): Promise<void> {
  const [, extension = 'html'] = FILE.exec(pathname) ?? [];
  const file = pathname === '/' ? 'index.html' : pathname.replace('/page/', '');
  const isOfPage = FILE.test(pathname) && here !== undefined;
  // A bundle has no files beside it.
  const content = isOfPage
    ? await readFile(new URL(`./page/${file}`, here)).catch(() => undefined)
    : undefined;
  if (content === undefined) {
    send(response, 404, 'text/plain', 'there are /, /stats, /events and /metrics\n');
  } else send(response, 200, TYPES[extension]!, content);
}

function send(response: ServerResponse, status: number, type: string, content: string | Buffer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(content) });
  response.end(content);
}
