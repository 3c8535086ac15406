import type { AgentOptions } from 'node:http';
import type { Step } from './scripted-server.ts';
import type { Stage } from './stage.ts';

/** Something that callers and servers do with each other. */
export interface Scenario {
  /** What the server does with the first request, the second, …; the last list is for all that come after. */
  readonly server: readonly (readonly Step[])[];
  /** What the caller does; all its requests are waited for. */
  readonly caller: (stage: Stage) => Promise<void> | void;
  /** Options of the agent. */
  readonly agent?: AgentOptions;
  /** Over TLS it would be something else. */
  readonly plain?: boolean;
}

export type Scenarios = Readonly<Record<string, Scenario>>;

export function write(text: string): Step {
  return { write: text };
}

export function answer(body: string, ...headers: string[]): Step {
  const lines = ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...headers];
  return write(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** Reads the body of the request, and answers. */
export const SERVED: readonly Step[] = ['body', answer('hello')];
