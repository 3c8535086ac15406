import http, { type Agent as HttpAgent } from 'node:http';
import { type Dispatcher, request, fetch as undiciFetch } from 'undici';
import { closeOf } from '../../support/http-agent.ts';

/** Sends a request, and gives it up when the signal says so. */
export type Ask = (url: string, signal: AbortSignal) => Promise<void>;

/** Policies that don't look at loads. */
export const BLIND = {
  'round-robin': { policy: 'round-robin' },
  'ring-hash': { policy: 'ring-hash', ringHash: { header: 'x-key' } },
  'ring-hash, without a bound': { policy: 'ring-hash', ringHash: { header: 'x-key', balanceFactor: 0 } },
} as const;

let keys = 0;
/** A key of a request: there are a hundred. */
const headers = () => ({ 'x-key': `${keys++ % 100}` });

export const askBy = {
  request:
    (dispatcher: Dispatcher): Ask =>
    async (url, signal) =>
      (await request(url, { dispatcher, signal, headers: headers() })).body.dump(),
  fetch:
    (dispatcher: Dispatcher): Ask =>
    async (url, signal) =>
      void (await (await undiciFetch(url, { dispatcher, signal })).text()),
  'fetch with a body':
    (dispatcher: Dispatcher): Ask =>
    async (url, signal) => {
      const response = await undiciFetch(url, { dispatcher, signal, method: 'POST', body: '{}' });
      await response.text();
    },
};

export function askByHttp(agent: HttpAgent): Ask {
  return async (url, signal) => {
    const sent = http
      .get(url, { agent, headers: headers() }, (response) => response.resume())
      .on('error', () => {});
    signal.addEventListener('abort', () => sent.destroy());
    await closeOf(sent);
  };
}
