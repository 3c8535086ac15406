import { channel } from 'node:diagnostics_channel';
import type { DiagnosticsChannel, Dispatcher } from 'undici';
import { checkedHeaders } from './checks.ts';
import type { RequestOptions } from './request-options.ts';

/** Tracers begin a span here, as a child of the span in the async context; and end it as failed. */
export const requestCreate = channel('undici:request:create');
const requestError = channel('undici:request:error');

/** undici keeps these headers apart from those that it shows. */
const APART = new Set(['host', 'content-length', 'connection']);

/** Tells tracers about a request that failed before undici made a Request of it, as undici would have. */
export function publishUnsent(options: RequestOptions, origin: string, error: Error): void {
  if (!requestCreate.hasSubscribers && !requestError.hasSubscribers) return;
  const request = new UnsentRequest(options, origin);
  requestCreate.publish({ request });
  requestError.publish({ request, error });
}

/** What tracers read from undici's Request, and write into it. */
class UnsentRequest implements DiagnosticsChannel.Request {
  readonly origin: string;
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  readonly headers: unknown[] = [];
  readonly body: RequestOptions['body'];
  readonly completed = false;
  readonly aborted = false;

  constructor({ path, method, headers, body }: RequestOptions, origin: string) {
    this.origin = origin;
    this.path = path;
    this.method = method;
    this.body = body ?? null;
    const checked = checkedHeaders(headers) ?? [];
    for (let n = 0; n < checked.length; n += 2) this.addHeader(checked[n] as string, checked[n + 1]);
  }

  addHeader(name: string, value: unknown): this {
    if (!APART.has(name.toLowerCase())) this.headers.push(name, value);
    return this;
  }
}
