import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { AdminServer } from '../../src/admin/admin-server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

/** A server of the page, on a port that is free. */
export async function startAdmin(t: TestContext, host = '127.0.0.1'): Promise<{ port: number }> {
  const server = AdminServer.open(`${host}:0`);
  t.after(() => server.close());
  await server.ready;
  return { port: server.address!.port };
}

/** Sends a request, and returns the answer once it is whole. */
export async function visit(
  port: number,
  path = '/',
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end();
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

/** Sends bytes as they are, and returns all that comes back until the server ends the connection. */
export async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  socket.write(text);
  await once(socket, 'close');
  return said;
}

/** What is sent to whoever watches, event by event. */
export async function* watch(
  t: TestContext,
  port: number,
): AsyncGenerator<{ event: string; data: Told }, undefined> {
  const sent = request({ host: '127.0.0.1', port, path: '/events', agent: false }).end();
  t.after(() => sent.destroy());
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      yield { event, data: JSON.parse(data) };
    }
  }
}

/** Of what is told, what tests look at. */
export interface Told {
  readonly services: Record<string, { endpoints: { address: string; state: string; reasons: string[] }[] }>;
  readonly happened: { what: string; address?: string; says: string; count: number }[];
}
