import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { ApiStore, type Change } from './api-store.ts';
import { certificateFor } from './certificate.ts';

const PATH =
  /^\/(?:api\/v1|apis\/discovery\.k8s\.io\/v1)\/namespaces\/([^/]+)\/(services|endpointslices)(?:\/([^/]+))?$/;

const REVIEW = /^\/apis\/auth(?:orization|entication)\.k8s\.io\/v1\/(selfsubject(?:access)?reviews)$/;

const HOST = '127.0.0.1';
const certificate = certificateFor(`IP:${HOST}`);

/** `list` and `watch` are about slices; `service` reads one. */
export type RequestKind = 'list' | 'watch' | 'service' | 'service-list' | 'service-watch';

export interface ApiRequest {
  readonly kind: RequestKind;
  readonly namespace: string;
  /** The Service that it is about. */
  readonly service: string;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  /** When it came, as `performance.now()` has it. */
  readonly at: number;
}

/** What a request gets in place of its answer. */
export interface Refusal {
  readonly status: number;
  readonly message?: string;
  /** Seconds. */
  readonly retryAfter?: number;
  readonly cause?: string;
}

interface Watch {
  readonly request: ApiRequest;
  readonly since: number;
  readonly response: ServerResponse;
}

/**
 * Behaves as a Kubernetes API server does for Services and EndpointSlices, over HTTPS on loopback, with a
 * service account's token; and misbehaves when told to.
 */
export class ApiServer extends EventEmitter {
  readonly store = new ApiStore();
  readonly requests: ApiRequest[] = [];
  readonly host = HOST;
  /** Where token, CA and namespace lie, as the kubelet puts them. */
  readonly serviceAccount = mkdtempSync(join(tmpdir(), 'service-account-'));
  /** The token that it accepts. */
  token = 'first-token';
  /** What goes wrong with a request; by default nothing. */
  refuse: (request: ApiRequest) => Refusal | undefined = () => undefined;
  /** Whether anybody may ask who they are and what they may do. */
  tellsRights = true;
  /** Who the token is to it. */
  username = 'system:serviceaccount:prod:default';
  /** Takes requests and never answers. */
  mute = false;
  /** Watches get no headers before there's an event, as some proxies have it. */
  holdsHeaders = false;
  /** Lists what it has, also if that is older than what was asked for. */
  lagging = false;
  /** How it says that the history which a watch asks for is gone. */
  goneAs: 'status' | 'event' = 'event';
  /** Connections ever made. */
  connections = 0;
  readonly #watches = new Set<Watch>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor() {
    super();
    this.setMaxListeners(0);
    this.store.onChange = (change) => this.#report(change);
    writeFileSync(join(this.serviceAccount, 'ca.crt'), certificate.cert);
    writeFileSync(join(this.serviceAccount, 'namespace'), 'prod\n');
    this.writeToken(this.token);
  }

  get port(): number {
    return this.#port;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Watches of slices that hear of changes. */
  get openWatches(): number {
    return this.#open('watch');
  }

  /** Listens; after `stop`, at the same port as before. */
  async start(): Promise<void> {
    this.#server = createServer(certificate, (request, response) => this.#take(request, response));
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.emit('disconnected');
      });
    });
    this.#server.listen(this.#port, this.host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Goes away at once, with all its connections. */
  async stop(): Promise<void> {
    const closed = this.#server?.listening ? once(this.#server, 'close') : undefined;
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Puts a token where the client reads it, without accepting it. */
  writeToken(token: string): void {
    writeFileSync(join(this.serviceAccount, 'token'), token);
  }

  /** As the real one, it has nothing to say to watches that started from where things still stand. */
  sendBookmarks(): void {
    const { version } = this.store;
    const metadata = { resourceVersion: String(version) };
    const slice = { kind: 'EndpointSlice', metadata, addressType: '', endpoints: null, ports: null };
    const service = { kind: 'Service', metadata, spec: {}, status: { loadBalancer: {} } };
    for (const { request, since, response } of this.#watches) {
      if (version > since) writeEvent(response, 'BOOKMARK', request.kind === 'watch' ? slice : service);
    }
  }

  /** Tells all watches of slices something, whatever the store has. */
  say(type: Change['type'] | 'BOOKMARK', object: object): void {
    for (const { request, response } of this.#watches)
      if (request.kind === 'watch') writeEvent(response, type, object);
  }

  /** Ends all watches, with these last words. */
  endWatches(lastWords = ''): void {
    for (const { response } of this.#watches) response.end(lastWords);
    this.#watches.clear();
  }

  /** Closes the connections of all watches. */
  breakWatches(): void {
    for (const { response } of this.#watches) response.destroy();
    this.#watches.clear();
  }

  /** All watches stay open and hear nothing any more. */
  silenceWatches(): void {
    this.#watches.clear();
  }

  /** Resolves when that many requests of a kind have come in all, with the last of them. */
  async received(kind: RequestKind, count = 1): Promise<ApiRequest> {
    for (;;) {
      const request = this.requests.filter((request) => request.kind === kind)[count - 1];
      if (request !== undefined) return request;
      await once(this, 'request');
    }
  }

  /** Resolves when that many watches of a kind, of slices by default, hear of changes. */
  async watched(count = 1, kind: RequestKind = 'watch'): Promise<void> {
    while (this.#open(kind) < count) await once(this, 'watch');
  }

  /** Resolves when no connection is open. */
  async left(): Promise<void> {
    while (this.#sockets.size > 0) await once(this, 'disconnected');
  }

  #open(kind: RequestKind): number {
    return [...this.#watches].filter(({ request }) => request.kind === kind).length;
  }

  #take(incoming: IncomingMessage, response: ServerResponse): void {
    const [, reviews] = REVIEW.exec(incoming.url ?? '') ?? [];
    if (reviews !== undefined) {
      void this.#review(reviews, incoming, response);
      return;
    }
    const request = parse(incoming);
    this.requests.push(request);
    if (!this.mute) this.#answer(request, response);
    this.emit('request');
  }

  /** Says what it would, by `refuse`, to a request of that kind. */
  async #review(reviews: string, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const review = (await json(incoming)) as Review;
    if (this.mute) return;
    const token = tokenIn(incoming);
    if (token !== this.token) return fail(response, { status: 401, message: 'Unauthorized' });
    if (!this.tellsRights) return fail(response, { status: 403, message: 'no reviews' });
    const { verb, resource, namespace = '' } = review.spec?.resourceAttributes ?? {};
    const kind = kindOf(resource, verb);
    const asked = {
      kind,
      namespace,
      service: '',
      query: new URLSearchParams(),
      token,
      at: performance.now(),
    };
    const status =
      reviews === 'selfsubjectreviews'
        ? { userInfo: { username: this.username } }
        : { allowed: this.refuse(asked)?.status !== 403 };
    response.statusCode = 201;
    response.end(JSON.stringify({ ...review, status }));
  }

  #answer(request: ApiRequest, response: ServerResponse): void {
    const { kind, namespace, service } = request;
    const refusal =
      request.token === this.token ? this.refuse(request) : { status: 401, message: 'Unauthorized' };
    if (refusal !== undefined) {
      fail(response, refusal);
    } else if (kind === 'watch' || kind === 'service-watch') {
      this.#openWatch(request, response);
    } else if (kind === 'list' || kind === 'service-list') {
      this.#list(request, response);
    } else {
      const object = this.store.service(namespace, service);
      if (object === undefined) fail(response, { status: 404, message: `services "${service}" not found` });
      else response.end(JSON.stringify(object));
    }
  }

  #list({ kind, namespace, service, query }: ApiRequest, response: ServerResponse): void {
    const { version } = this.store;
    const least = Number(query.get('resourceVersion'));
    if (least > version && !this.lagging) {
      const message = `Timeout: Too large resource version: ${least}, current: ${version}`;
      fail(response, { status: 504, message, retryAfter: 1, cause: 'ResourceVersionTooLarge' });
      return;
    }
    const metadata = { resourceVersion: String(version) };
    const found = this.store.service(namespace, service);
    const items = kind === 'list' ? this.store.slices(namespace, service) : found ? [found] : [];
    response.end(JSON.stringify({ metadata, items }));
  }

  #openWatch(request: ApiRequest, response: ServerResponse): void {
    const since = Number(request.query.get('resourceVersion'));
    if (since < this.store.oldest) {
      const gone = { status: 410, message: 'too old resource version' };
      if (this.goneAs === 'status') fail(response, gone);
      else response.end(`${JSON.stringify({ type: 'ERROR', object: status(gone) })}\n`);
      return;
    }
    const watch = { request, since, response };
    const timeout = setTimeout(() => response.end(), Number(request.query.get('timeoutSeconds')) * 1_000);
    this.#watches.add(watch);
    response.on('close', () => {
      clearTimeout(timeout);
      this.#watches.delete(watch);
    });
    if (!this.holdsHeaders) response.flushHeaders();
    for (const change of this.store.changesSince(since)) {
      if (concerns(watch, change)) writeEvent(response, change.type, change.object);
    }
    this.emit('watch');
  }

  #report(change: Change): void {
    for (const watch of this.#watches) {
      if (concerns(watch, change)) writeEvent(watch.response, change.type, change.object);
    }
  }
}

/** Starts an API server that goes away when the test ends. */
export async function startApiServer(t: TestContext): Promise<ApiServer> {
  const server = new ApiServer();
  t.after(async () => {
    await server.stop();
    rmSync(server.serviceAccount, { recursive: true });
  });
  await server.start();
  return server;
}

interface Review {
  readonly spec?: { resourceAttributes?: { verb?: string; resource?: string; namespace?: string } };
}

function tokenIn({ headers }: IncomingMessage): string | undefined {
  return headers.authorization?.replace(/^Bearer /, '');
}

function parse(incoming: IncomingMessage): ApiRequest {
  const { url = '' } = incoming;
  const { pathname, searchParams: query } = new URL(url, 'https://api');
  const [, namespace, resource, name] = PATH.exec(pathname) ?? [];
  const [, labelled] = /^kubernetes\.io\/service-name=(.+)$/.exec(query.get('labelSelector') ?? '') ?? [];
  const [, named] = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '') ?? [];
  const service = resource === 'services' ? (name ?? named) : labelled;
  if (namespace === undefined || service === undefined) throw new Error(`unexpected request for ${url}`);
  const verb = query.get('watch') === '1' ? 'watch' : name === undefined ? 'list' : 'get';
  return {
    kind: kindOf(resource, verb),
    namespace,
    service,
    query,
    token: tokenIn(incoming),
    at: performance.now(),
  };
}

function kindOf(resource = '', verb = ''): RequestKind {
  if (resource !== 'services') return verb as RequestKind;
  return verb === 'get' ? 'service' : (`service-${verb}` as RequestKind);
}

function writeEvent(response: ServerResponse, type: string, object: object): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function fail(response: ServerResponse, refusal: Refusal): void {
  if (refusal.retryAfter !== undefined) response.setHeader('retry-after', String(refusal.retryAfter));
  response.statusCode = refusal.status;
  // What has no time to look at a request doesn't form an object either.
  if (refusal.status === 429) response.end('Too many requests, please try again later.\n');
  else response.end(JSON.stringify(status(refusal)));
}

function status({ status, message = 'refused', cause }: Refusal): object {
  const details = cause && { causes: [{ reason: cause }] };
  return { kind: 'Status', status: 'Failure', message, details, code: status };
}

/** As the real one, it tells a watch only what is newer than where it started. */
function concerns({ request, since }: Watch, change: Change): boolean {
  const { kind, namespace, service } = request;
  const resource = kind === 'watch' ? 'endpointslices' : 'services';
  return (
    change.version > since &&
    resource === change.resource &&
    namespace === change.namespace &&
    service === change.service
  );
}
