import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Happening } from '../../admin/happenings.ts';
import type { Moment, View } from '../../admin/view.ts';

/** What a process with `EVENKEEL_ADMIN` tells whoever watches it. */
export type Told = Moment & { readonly happened: readonly Happening[] } & Partial<Pick<View, 'process'>>;

/** Milliseconds that the process may be silent: it says something each second. */
const PATIENCE = 10_000;

/**
 * Watches a process until the signal is aborted.
 *
 * @param address `host:port`
 * @throws when it doesn't answer, or ends
 */
export async function* watch(address: string, signal: AbortSignal): AsyncGenerator<Told> {
  const request = get(`http://${address}/events`, { agent: false, signal, timeout: PATIENCE });
  const silence = new Error(`it said nothing for ${PATIENCE / 1_000} s`);
  let end = new Error('it has ended');
  request.once('timeout', () => {
    end = silence;
    request.destroy(silence);
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.headers['content-type'] !== 'text/event-stream') {
    request.destroy();
    throw new Error(`what answers there is no page of evenkeel's (status ${response.statusCode})`);
  }
  try {
    yield* eventsOf(response);
  } catch (error) {
    // Node says of a response that breaks off only that it was aborted.
    throw (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? end : error;
  }
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<Told> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const events = `${text}${chunk}`.split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data) as Told;
    }
  }
}
