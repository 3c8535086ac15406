import type { channels } from '../core/base/channels.ts';

/** A message of a channel. Its fields depend on the channel. */
export type Message = Readonly<Record<string, unknown>>;

type Kind = keyof typeof channels;

const SENTENCES: Record<Kind, (message: Message) => string> = {
  discoveryUpdate: ({ endpoints, source }) => {
    const count = (endpoints as readonly unknown[]).length;
    return `${count} ${count === 1 ? 'endpoint' : 'endpoints'} by ${source}`;
  },
  discoveryError: ({ error }) => `nothing newer is known: ${saidBy(error as Error)}`,
  endpointAdd: ({ address }) => `${address} is new`,
  endpointRemove: ({ address, reason }) => `${address} has left (${reason})`,
  endpointEject: ({ address, reason, duration }) =>
    `${address} is ejected for ${reason}, ${
      Number.isFinite(duration) ? `for ${seconds(duration)}` : 'until its health checks pass'
    }`,
  endpointRestore: ({ address, reason, duration }) =>
    `${address} is back after ${seconds(duration)} (${reason})`,
  connectionOpen: ({ address, protocol }) => `connected to ${address} (${protocol})`,
  connectionRetire: ({ address, reason, requests, age }) =>
    `a connection to ${address} retires after ${countOf(requests)} and ${seconds(age)} (${reason})`,
  connectionClose: ({ address, requests, age }) =>
    `a connection to ${address} has closed after ${countOf(requests)} and ${seconds(age)}`,
  requestStart: ({ address, method, path, attempt, waited }) => {
    const again = (attempt as number) > 1 ? `, attempt ${attempt}` : '';
    const wait = (waited as number) >= 1 ? `, waited ${milliseconds(waited)}` : '';
    return `${method} ${path} goes to ${address}${again}${wait}`;
  },
  requestRetry: ({ address, reason, method, path, error }) =>
    `${method === undefined ? 'a request' : `${method} ${path}`} is sent again, not to ${address} (${reason}): ${saidBy(error as Error)}`,
  requestEnd: ({ address, method, path, statusCode, outcome, duration }) => {
    const how = outcome === 'success' || outcome === 'rejected' ? statusCode : outcome;
    return `${method} ${path} at ${address}: ${how} after ${milliseconds(duration)}`;
  },
};

const LONGEST_ERROR = 200;

/** An event in words, without its origin. */
export function sentenceOf(kind: Kind, message: Message): string {
  return SENTENCES[kind](message);
}

function saidBy(error: Error | undefined): string {
  if (error === undefined) return 'no reason';
  const { code, message } = error as NodeJS.ErrnoException;
  const text = code === undefined || message.includes(code) ? message : `${code}: ${message}`;
  return text.slice(0, LONGEST_ERROR);
}

function countOf(requests: unknown): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}

function seconds(duration: unknown): string {
  const value = (duration as number) / 1_000;
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} s`;
}

function milliseconds(duration: unknown): string {
  return `${Number((duration as number).toFixed(1))} ms`;
}
