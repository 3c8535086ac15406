import type { AsyncResource } from 'node:async_hooks';
import type * as http from 'node:http';
import type { Socket } from 'node:net';
import { removeFrom } from './agent-maps.ts';

// Not imported: an import would load all parts of the module, among them built-in undici.
const { Agent, ClientRequest, OutgoingMessage } = process.getBuiltinModule('node:http');
type Agent = http.Agent;
type ClientRequest = http.ClientRequest;

/** Node's own class, even if other code replaces it later. */
export { ClientRequest };

type IncomingMessage = http.IncomingMessage;

// What evenkeel depends on inside Node's lib/_http_client.js, _http_outgoing.js and _http_agent.js, although Node's
// documentation doesn't promise it. Each has a test in test/transports/http/relied-on.test.ts, which runs with every
// version of Node that users may have.
//
// evenkeel also depends on this, which has no name below:
// - A request calls its agent's `addRequest` at the end of its constructor. It writes nothing before it has a socket:
//   what is written meanwhile waits in `outputData`.
// - `onSocket` gives it a socket. In the next tick, it puts its parser and its listeners on the socket, emits `'socket'`,
//   and then writes what waits. Without a socket, or with an error, it emits `'error'` and `'close'` in the next tick.
// - A socket that can be used again emits `'free'`, after the request's `'close'`. A socket that belongs to the caller
//   after an upgrade or CONNECT emits `'agentRemove'`. All other sockets end with `'close'`, and then the request emits
//   `'close'`.
// - A request that was destroyed before it got its socket emits `'free'` on the socket, and has written nothing.
// - A request that is destroyed without a socket emits nothing until it gets one, or an error.

/** A write that waits for a socket. */
export interface Output {
  data: string | Uint8Array;
  encoding: BufferEncoding | null;
  callback: ((error?: Error | null) => void) | null;
}

/** A request, as Node's own agents see it. */
export interface NodeRequest extends Omit<ClientRequest, 'socket'> {
  socket: Socket | null;
  /** Its option `timeout`, in milliseconds. */
  timeout?: number;
  /** Its response, once the head of the final response has come. */
  res: NodeResponse | null;
  /** What was written while it had no socket. */
  outputData: Output[];
  outputSize: number;
  /** Its head, once it is made. */
  _header: string | null;
  /** Whether its head was given to its socket, or waits for one. */
  _headerSent: boolean;
  /** Whether it has emitted `'close'`. */
  _closed: boolean;
  /** What its timeouts call. If it has one, it doesn't listen to the timeout of another socket. */
  timeoutCb: (() => void) | null;
  onSocket(socket: Socket | null, error?: Error): void;
}

export interface NodeResponse extends IncomingMessage {
  /** Whether its caller or its connection has ended it. */
  aborted: boolean;
}

/** A socket, as requests and agents see it. */
export interface NodeSocket extends Socket {
  /** The request that has it. */
  _httpMessage?: NodeRequest | null;
  /** Whether its request has emitted an error. */
  _hadError?: boolean;
  readonly _handle: Handle | null;
  readonly _writableState: { highWaterMark: number };
}

interface Handle {
  /** The handle below TLS. */
  readonly _parent?: Handle | null;
  readonly bytesWritten?: number;
  getAsyncId(): number;
  getProviderType(): number;
  asyncReset?(resource: object): void;
}

/** The methods of Node's agents for requests and sockets. An agent with another method of one of these names isn't stock. */
export const HOOKS = [
  'addRequest',
  'createConnection',
  'createSocket',
  'getName',
  'keepSocketAlive',
  'removeSocket',
  'reuseSocket',
] as const;

type Hook = (this: Agent, ...args: never[]) => unknown;

/** An agent, as requests see it. */
export interface NodeAgent
  extends Omit<Agent, 'sockets' | 'requests' | 'freeSockets' | (typeof HOOKS)[number]>,
    Omit<AgentPrototype, 'getName'> {
  getName(options: object): string;
  readonly options: Record<string, unknown>;
  readonly keepAlive: boolean;
  readonly protocol: string;
  readonly defaultPort: number;
  /** In milliseconds; since Node.js 24. */
  readonly agentKeepAliveTimeoutBuffer?: number;
  readonly sockets: Record<string, Socket[] | undefined>;
  readonly requests: Record<string, NodeRequest[] | undefined>;
  readonly freeSockets: Record<string, Socket[] | undefined>;
}

/** The options of a request, as its agent gets them: those of its caller, with the host and the port. */
export type RequestOptions = {
  host: string;
  port: number | string;
  highWaterMark?: number;
} & Record<string, unknown>;

export type AddRequest = (
  this: Agent,
  request: NodeRequest,
  options: RequestOptions,
  ...legacy: unknown[]
) => void;

export type AgentPrototype = { addRequest: AddRequest } & Record<
  Exclude<(typeof HOOKS)[number], 'addRequest'>,
  Hook
>;

/** The prototype of this Node's agents. */
export const agentPrototype = Agent.prototype as unknown as AgentPrototype;

/** The same of `https.Agent`. Not imported: a process may have no use for it. */
let secureAgentPrototype: AgentPrototype | undefined;

function loadSecure(): AgentPrototype {
  return process.getBuiltinModule('node:https').Agent.prototype as unknown as AgentPrototype;
}

/** Whether an agent takes requests, and makes and keeps sockets, as Node's own do at this moment. */
export function isStock(agent: NodeAgent): boolean {
  const hooks = agent.protocol === 'https:' ? (secureAgentPrototype ??= loadSecure()) : agentPrototype;
  // Compared one by one, by name. That is several times as fast as a loop, and happens for each request of the process.
  return (
    agent.addRequest === hooks.addRequest &&
    agent.createConnection === hooks.createConnection &&
    agent.createSocket === hooks.createSocket &&
    agent.getName === hooks.getName &&
    agent.keepSocketAlive === hooks.keepSocketAlive &&
    agent.removeSocket === hooks.removeSocket &&
    agent.reuseSocket === hooks.reuseSocket &&
    // The agent's own listener keeps free sockets or hands them on. Other code with a listener there keeps them otherwise.
    agent.listenerCount('free') === 1
  );
}

/** What Node has made of an agent's option `proxyEnv`. */
interface ProxyConfig {
  shouldUseProxy?(host: string, port: number): boolean;
}

/**
 * Whether Node sends a request to a proxy, because of the agent's option `proxyEnv`. Node sets this option of its global
 * agents itself, if it is told to use the environment's proxy.
 */
export function isProxied(agent: NodeAgent, { host, port }: RequestOptions): boolean {
  if (agent.options.proxyEnv === undefined || agent.options.proxyEnv === null) return false;
  const key = Object.getOwnPropertySymbols(agent).find(({ description }) => description === 'kProxyConfig');
  if (key === undefined) return false;
  const config = (agent as unknown as Record<symbol, ProxyConfig | null | undefined>)[key];
  return config !== null && config !== undefined && config.shouldUseProxy?.(host, Number(port)) !== false;
}

/** Whether this Node.js has all that evenkeel depends on. */
export function hasInternals(): boolean {
  const { onSocket } = ClientRequest.prototype as unknown as NodeRequest;
  const outgoing = new OutgoingMessage() as unknown as NodeRequest;
  return (
    typeof onSocket === 'function' &&
    HOOKS.every((name) => typeof agentPrototype[name] === 'function') &&
    Array.isArray(outgoing.outputData) &&
    typeof outgoing.outputSize === 'number' &&
    headersKey !== undefined &&
    outgoing._header === null &&
    outgoing._headerSent === false &&
    outgoing._closed === false
  );
}

export function asNodeAgent(agent: Agent): NodeAgent {
  return agent as unknown as NodeAgent;
}

export function asNodeRequest(request: ClientRequest): NodeRequest {
  return request as unknown as NodeRequest;
}

/** What Node's agents keep on a request that waits for a place; `undefined` if this Node.js keeps it elsewhere. */
export function waitingOf(request: NodeRequest) {
  const symbols = Object.getOwnPropertySymbols(request);
  const values = request as unknown as Record<symbol, unknown>;
  const of = (name: string) => values[symbols.find(({ description }) => description === name)!];
  return {
    context: of('requestAsyncResource') as AsyncResource | undefined,
    options: of('requestOptions') as RequestOptions | undefined,
  };
}

/**
 * Makes an agent send the first of its own waiting requests, after a socket of evenkeel's has left the agent's list.
 * For its own sockets, Node does that.
 */
export function serveWaiting(agent: NodeAgent, name: string): void {
  const request = agent.requests[name]?.[0];
  if (request === undefined || (agent.sockets[name]?.length ?? 0) >= agent.maxSockets) return;
  const { context, options } = waitingOf(request);
  if (context === undefined || options === undefined) return;
  removeFrom(agent.requests, name, request);
  context.runInAsyncScope(() => agentPrototype.addRequest.call(agent as unknown as Agent, request, options));
}

/** The `bytesWritten` of a socket in which nothing waits. The socket itself looks through what waits, and makes a list of it. */
export function bytesWrittenBy(socket: NodeSocket): number {
  return socket._handle?.bytesWritten ?? socket.bytesWritten;
}

let asyncIdKey: symbol | undefined;

/**
 * Moves the events of a socket to the present async context, as Node does when it gives a request a used socket.
 * Otherwise, the events of the request would come in the async context of another request.
 */
export function resetAsyncContext(socket: NodeSocket): void {
  const handle = socket._handle;
  if (handle === null || typeof handle.asyncReset !== 'function') return;
  handle.asyncReset({ type: handle.getProviderType(), handle });
  // The parent handle of a TLS socket, which reports its close.
  const { _parent: parent } = handle;
  if (parent && typeof parent.asyncReset === 'function') {
    parent.asyncReset({ type: parent.getProviderType(), handle: parent });
  }
  asyncIdKey ??= Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'async_id_symbol',
  );
  if (asyncIdKey !== undefined)
    (socket as unknown as Record<symbol, number>)[asyncIdKey] = handle.getAsyncId();
}

/** By name in lower case: the name as the caller wrote it, and the value. */
type OutHeaders = Record<string, [name: string, value: unknown] | undefined> | null | undefined;

/** Where a request has its headers. Several are read for each request, and `getHeader` costs more than all else. */
const headersKey = Object.getOwnPropertySymbols(new OutgoingMessage()).find(
  ({ description }) => description === 'kOutHeaders',
)!;

/** The headers of a request as they were set; none if they were given as a list, and are only in the head. */
export function headersOf(request: NodeRequest): OutHeaders {
  return (request as unknown as Record<symbol, OutHeaders>)[headersKey];
}

/** A header of a request, as text. @param name in lower case */
export function requestHeader(request: NodeRequest, name: string): string | undefined {
  const headers = headersOf(request);
  if (headers) return headers[name] && String(headers[name][1]);
  const { _header } = request;
  return _header === null ? undefined : new RegExp(`^${name}: *(.*)\\r$`, 'im').exec(_header)?.[1];
}

/** The writes of a request that wait, as a copy: Node takes the list apart as it writes. */
export function outputOf({ outputData }: NodeRequest): Output[] {
  return outputData.map(({ data, encoding, callback }) => ({ data, encoding, callback }));
}

/** Tells the callbacks of a request's writes that they won't be made, as the socket would have. */
export function failWrites(request: NodeRequest, error: Error): void {
  const { outputData } = request;
  request.outputData = [];
  request.outputSize = 0;
  for (const { callback } of outputData) {
    // Node's own callback, with which the request emits `'finish'`. On Node.js 22, it takes no error.
    const isFinish = callback?.name === 'bound onFinish' && callback.length === 0;
    if (callback && !isFinish) callback(error);
  }
}

/** Makes a request whose socket has ended as it was before it had the socket, with `output` to write. */
export function rewind(request: NodeRequest, output: Output[]): void {
  request.destroyed = false;
  request._closed = false;
  request.socket = null;
  // If its writes were reported as done, they aren't reported again.
  request.outputData = request.writableFinished
    ? output.map((write) => ({ ...write, callback: null }))
    : output;
  request.outputSize = output.reduce((size, { data }) => size + data.length, 0);
}
