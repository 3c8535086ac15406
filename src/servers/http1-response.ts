import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { IDENTITY_HEADER } from '../core/base/identity-header.ts';
import { podName } from './pod-name.ts';

export type Response = ServerResponse;
type Headers = Record<string, OutgoingHttpHeader> | readonly unknown[];
type WriteHead = (this: Response, status: number, ...rest: unknown[]) => Response;

/**
 * Makes an HTTP/1.1 response name this process. The app notices nothing before the head is written, and writes it as
 * before.
 */
export function nameHttp1Response(response: Response): void {
  const { writeHead } = response as { writeHead: WriteHead };
  const writeNamedHead: WriteHead = function (this: Response, status, ...rest) {
    // An interim response comes first.
    if (status < 200 || this.headersSent) return writeHead.call(this, status, ...rest);
    const last = rest.at(-1);
    if (isHeaders(last)) return writeHead.call(this, status, ...rest.slice(0, -1), named(last, this));
    if (!this.hasHeader(IDENTITY_HEADER)) this.setHeader(IDENTITY_HEADER, podName());
    return writeHead.call(this, status, ...rest);
  };
  // Unlike an assignment, this calls no setter, and the response gets no visible key.
  Reflect.defineProperty(response, 'writeHead', {
    value: writeNamedHead,
    configurable: true,
    writable: true,
    enumerable: false,
  });
}

function isHeaders(value: unknown): value is Headers {
  return typeof value === 'object' && value !== null;
}

/** The headers with the name, in the form that they have. Unchanged if they have a name already. */
function named(headers: Headers, response: Response): Headers {
  if (response.hasHeader(IDENTITY_HEADER)) return headers;
  if (!Array.isArray(headers)) {
    const names = Object.keys(headers);
    if (names.some((name) => name.toLowerCase() === IDENTITY_HEADER)) return headers;
    return { ...headers, [IDENTITY_HEADER]: podName() };
  }
  // Pairs, or names and values in turn.
  const isPaired = Array.isArray(headers[0]);
  const names = isPaired ? headers.map(([name]) => name) : headers.filter((_, n) => n % 2 === 0);
  if (names.some((name) => String(name).toLowerCase() === IDENTITY_HEADER)) return headers;
  return isPaired ? [...headers, [IDENTITY_HEADER, podName()]] : [...headers, IDENTITY_HEADER, podName()];
}
