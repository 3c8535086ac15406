import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { exempts } from '../../../../src/transports/undici/global/no-proxy.ts';

/** Where undici itself sends a request to `url`. */
function undiciGoesDirect(noProxy: string, url: string): boolean {
  const agent = new EnvHttpProxyAgent({
    httpProxy: 'http://proxy:3128',
    httpsProxy: 'http://proxy:3128',
    noProxy,
  });
  let direct = false;
  for (const symbol of Object.getOwnPropertySymbols(agent)) {
    if (!/proxy agent$/.test(symbol.description ?? '')) continue;
    const dispatch: Dispatcher.Dispatch = () => {
      direct = symbol.description === 'no proxy agent';
      return true;
    };
    (agent as unknown as Record<symbol, object>)[symbol] = { dispatch };
  }
  agent.dispatch({ origin: new URL(url).origin, path: '/', method: 'GET' }, { onResponseError() {} });
  return direct;
}

const LISTS = [
  '',
  '*',
  '*:8080',
  'none.invalid, *',
  'example.com',
  '.example.com',
  '*.example.com',
  '*example.com',
  'EXAMPLE.com.',
  'example.com:8080',
  'example.com:443 orders',
  'orders',
  'cluster.local,.svc',
  '10.0.0.1',
  '10.0.0.1:8080',
  '::1',
  '[::1]',
  '[::1]:8080',
  'localhost,127.0.0.1,10.0.0.0/8',
];

const URLS = [
  'http://example.com',
  'https://example.com',
  'http://example.com.:8080',
  'http://api.example.com:8080',
  'https://notexample.com',
  'http://orders',
  'http://orders:8080',
  'http://orders.prod.svc.cluster.local',
  'http://orders.prod.svc',
  'http://10.0.0.1',
  'http://10.0.0.1:8080',
  'http://[::1]',
  'https://[::1]:8080',
  'http://localhost:8080',
];

for (const list of LISTS) {
  test(`no_proxy='${list}' exempts what it exempts in undici`, () => {
    for (const url of URLS) assert.equal(exempts(list, new URL(url)), undiciGoesDirect(list, url), url);
  });
}
