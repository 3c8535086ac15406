import http, { type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import https, { type Agent as HttpsAgent } from 'node:https';
import { text } from 'node:stream/consumers';
import agentkeepalive from 'agentkeepalive';

/** Its types are CommonJS's; the classes are agents of Node's. */
const keepAlive = agentkeepalive as unknown as {
  new (options?: object): Agent;
  readonly HttpsAgent: new (options?: object) => HttpsAgent;
};

/** agentkeepalive's agents. */
export const KeepAliveAgent = keepAlive;
export const { HttpsAgent: KeepAliveHttpsAgent } = keepAlive;

/** Sends a request of node:http; gives its response, of which nothing has been read. */
export function responseTo(options: RequestOptions, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request } = options.protocol === 'https:' ? https : http;
    request(options, resolve).on('error', reject).end(body);
  });
}

/** Sends a request of node:http, and reads the response to its end. */
export function sendBy(options: RequestOptions, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      response.once('end', () => resolve(response));
      response.once('error', reject);
      response.resume();
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** Sends a request of node:http, and gives the body of the response. */
export async function textOf(options: RequestOptions): Promise<string> {
  return text(await responseTo(options));
}
