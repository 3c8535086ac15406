// What the clients from npm that use node:http have in common: each makes the same calls its own way.

import { once } from 'node:events';
import type { Agent, IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { HttpConnection } from '@elastic/transport';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import axios, { type AxiosRequestConfig } from 'axios';
import followRedirects from 'follow-redirects';
import { Gaxios } from 'gaxios';
import got, { type OptionsOfTextResponseBody } from 'got';
import httpProxy from 'http-proxy';
import needle from 'needle';
import fetch, { type RequestInit } from 'node-fetch';
import request from 'request';
import superagent from 'superagent';
import { WebSocket } from 'ws';

/** What is asked of a client. */
export interface Asked {
  readonly method: string;
  /** A body at hand, or one that streams. */
  readonly body?: string | Readable;
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Sends a request, and gives what the caller gets: status and body. */
export type Client = (url: string, asked: Asked) => Promise<string>;

/** What cannot be asked of some. */
export type Skill = 'stream' | 'abort' | 'timeout';

export interface Adapter {
  readonly client: (agent: Agent | undefined) => Client;
  readonly lacks?: readonly Skill[];
  /** Its default agent keeps no connections, so that it is not balanced by the preload unless it is given one. */
  readonly closes?: boolean;
}

export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  axios: {
    client:
      (agent) =>
      async (url, { method, body, signal, timeout }) => {
        const config: AxiosRequestConfig = {
          url,
          method,
          data: body,
          // Else it takes texts for JSON.
          responseType: 'text',
          headers: { 'content-type': 'text/plain' },
          maxRedirects: 0,
          validateStatus: null,
          ...(agent !== undefined && { httpAgent: agent, httpsAgent: agent }),
          ...(signal !== undefined && { signal }),
          ...(timeout !== undefined && { timeout }),
        };
        const { status, data } = await axios.request<string>(config);
        return `${status} ${data}`;
      },
  },
  'axios with redirects': {
    client:
      (agent) =>
      async (url, { method, body, signal, timeout }) => {
        const { status, data } = await axios.request<string>({
          url,
          method,
          data: body,
          responseType: 'text',
          validateStatus: null,
          ...(agent !== undefined && { httpAgent: agent, httpsAgent: agent }),
          ...(signal !== undefined && { signal }),
          ...(timeout !== undefined && { timeout }),
        });
        return `${status} ${data}`;
      },
  },
  got: {
    client:
      (agent) =>
      async (url, { method, body, signal, timeout }) => {
        const options: OptionsOfTextResponseBody = {
          method: method as 'GET',
          retry: { limit: 0 },
          throwHttpErrors: false,
          ...(agent !== undefined && { agent: { http: agent as never, https: agent as never } }),
          ...(body !== undefined && { body }),
          ...(signal !== undefined && { signal }),
          ...(timeout !== undefined && { timeout: { request: timeout } }),
        };
        const response = await got(url, options);
        return `${response.statusCode} ${response.body}`;
      },
  },
  'node-fetch': {
    lacks: ['timeout'],
    client:
      (agent) =>
      async (url, { method, body, signal }) => {
        const init: RequestInit = {
          method,
          ...(agent !== undefined && { agent: () => agent }),
          ...(body !== undefined && { body }),
          ...(signal !== undefined && { signal }),
        };
        const response = await fetch(url, init);
        return `${response.status} ${await response.text()}`;
      },
  },
  superagent: {
    lacks: ['stream'],
    closes: true,
    client:
      (agent) =>
      async (url, { method, body, signal, timeout }) => {
        const call = superagent(method, url)
          .ok(() => true)
          .buffer(true)
          .parse(superagent.parse.text!);
        if (agent !== undefined) call.agent(agent);
        if (timeout !== undefined) call.timeout(timeout);
        if (body !== undefined) call.type('text/plain').send(body as string);
        const aborted = new Promise<never>((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            call.abort();
            reject(signal.reason);
          });
        });
        const response = await (signal === undefined ? call : Promise.race([call, aborted]));
        return `${response.status} ${response.text}`;
      },
  },
  needle: {
    client:
      (agent) =>
      async (url, { method, body, signal, timeout }) => {
        const options = {
          parse: false,
          ...(agent !== undefined && { agent }),
          ...(signal !== undefined && { signal }),
          ...(timeout !== undefined && { response_timeout: timeout, read_timeout: timeout }),
        };
        const response = await needle(method.toLowerCase() as 'get', url, body ?? null, options);
        return `${response.statusCode} ${response.body}`;
      },
  },
  request: {
    client:
      (agent) =>
      (url, { method, body, signal, timeout }) =>
        new Promise((resolve, reject) => {
          const options = {
            url,
            method,
            ...(agent !== undefined && { agent }),
            ...(typeof body === 'string' && { body }),
            ...(timeout !== undefined && { timeout }),
          };
          const call = request(options, (error: Error | null, response, data: string) => {
            if (error === null) resolve(`${response.statusCode} ${data}`);
            else reject(error);
          });
          if (body instanceof Readable) body.pipe(call);
          signal?.addEventListener('abort', () => {
            call.abort();
            reject(signal.reason);
          });
        }),
  },
  gaxios: {
    client: (agent) => {
      const gaxios = new Gaxios({ retry: false, validateStatus: () => true, responseType: 'text' });
      return async (url, { method, body, signal, timeout }) => {
        const { status, data } = await gaxios.request<string>({
          url: new URL(url),
          method: method as 'GET',
          ...(agent !== undefined && { agent }),
          ...(body !== undefined && { body, headers: { 'content-type': 'text/plain' } }),
          ...(body instanceof Readable && { duplex: 'half' }),
          ...(signal !== undefined && { signal }),
          ...(timeout !== undefined && { timeout }),
        });
        return `${status} ${data}`;
      };
    },
  },
  '@smithy/node-http-handler': {
    client: (agent) => {
      const handler = new NodeHttpHandler({
        throwOnRequestTimeout: true,
        ...(agent !== undefined && { httpAgent: agent }),
      });
      return async (url, { method, body, signal, timeout }) => {
        const { protocol, hostname, port, pathname: path } = new URL(url);
        const given = new HttpRequest({
          method,
          protocol,
          hostname,
          port: Number(port),
          path,
          ...(body !== undefined && { body }),
          headers: typeof body === 'string' ? { 'content-length': String(body.length) } : {},
        });
        const { response } = await handler.handle(given, {
          ...(signal !== undefined && { abortSignal: signal }),
          ...(timeout !== undefined && { requestTimeout: timeout }),
        });
        return `${response.statusCode} ${await text(response.body as IncomingMessage)}`;
      };
    },
  },
  '@elastic/transport': {
    client:
      (agent) =>
      async (url, { method, body, signal, timeout }) => {
        const { origin, pathname: path } = new URL(url);
        const connection = new HttpConnection({
          url: new URL(origin),
          ...(agent !== undefined && { agent: () => agent }),
        });
        const { statusCode, body: data } = await connection.request(
          { method, path, ...(body !== undefined && { body }) },
          {
            requestId: 1,
            name: 'test',
            context: undefined,
            ...(signal !== undefined && { signal }),
            ...(timeout !== undefined && { timeout }),
          } as never,
        );
        return `${statusCode} ${data}`;
      },
  },
  'http-proxy': {
    lacks: ['abort'],
    closes: true,
    client:
      (agent) =>
      async (url, { method, body, timeout }) => {
        const { origin, pathname: path } = new URL(url);
        const proxy = httpProxy.createProxyServer({
          target: origin,
          ...(agent !== undefined && { agent }),
          ...(timeout !== undefined && { proxyTimeout: timeout }),
        });
        const error = Promise.withResolvers<never>();
        const server = createServer((incoming, response) => proxy.web(incoming, response, {}, error.reject));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        try {
          const { port } = server.address() as AddressInfo;
          const init =
            body === undefined
              ? { method }
              : { method, body: body instanceof Readable ? Readable.toWeb(body) : body, duplex: 'half' };
          // With built-in fetch, for it must not be node:http that asks here.
          const answered = globalThis.fetch(`http://127.0.0.1:${port}${path}`, init as never);
          answered.catch(() => {});
          const response = await Promise.race([answered, error.promise]);
          return `${response.status} ${await response.text()}`;
        } finally {
          server.close();
          server.closeAllConnections();
        }
      },
  },
  ws: {
    lacks: ['stream', 'timeout'],
    closes: true,
    client:
      (agent) =>
      async (url, { body, signal }) => {
        const socket = new WebSocket(url.replace(/^http/, 'ws'), agent === undefined ? {} : { agent });
        signal?.addEventListener('abort', () => socket.terminate());
        const got = Promise.withResolvers<string>();
        socket.once('error', got.reject);
        socket.once('open', () => socket.send(String(body ?? 'hello')));
        socket.once('message', (data) => {
          socket.once('close', (code) => got.resolve(`${code} ${data}`));
          socket.close(1000);
        });
        return got.promise;
      },
  },
  'follow-redirects': {
    client:
      (agent) =>
      (url, { method, body, signal, timeout }) =>
        new Promise((resolve, reject) => {
          const options = {
            method,
            ...(agent !== undefined && { agent }),
            ...(signal !== undefined && { signal }),
          };
          const call = followRedirects.http.request(url, options, (response) => {
            text(response).then((data) => resolve(`${response.statusCode} ${data}`), reject);
          });
          call.on('error', reject);
          if (timeout !== undefined) call.setTimeout(timeout, () => call.destroy(new Error('too late')));
          if (body instanceof Readable) body.pipe(call);
          else call.end(body);
        }),
  },
};

/** A body in pieces, the second of which comes a moment later. */
export function streamed(...pieces: string[]): Readable {
  const body = new PassThrough();
  const next = () => {
    const piece = pieces.shift();
    if (piece === undefined) body.end();
    else body.write(piece, () => setImmediate(next));
  };
  next();
  return body;
}
