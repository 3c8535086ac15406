import type { Dispatcher } from 'undici';
import { environment } from '../config/env.ts';
import { exempts } from './no-proxy.ts';

/** Dispatchers that are there so that requests don't go where their URLs say. */
const CLAIMING = ['ProxyAgent', 'Socks5ProxyAgent', 'MockAgent', 'MockPool', 'MockClient'];

/**
 * Whether a dispatcher has to get all requests to a URL, because it sends them through a proxy or answers
 * them itself. Goes by names: it may come from any copy of undici, the one inside Node.js above all.
 */
export function claims(dispatcher: Dispatcher, url: URL): boolean {
  const names = classNames(dispatcher);
  if (names.includes('EnvHttpProxyAgent')) return hasProxy(dispatcher, url) && !exempts(noProxy(), url);
  return names.some((name) => CLAIMING.includes(name));
}

/** Whether an EnvHttpProxyAgent has a proxy for URLs of this kind: the environment need not name one. */
function hasProxy(dispatcher: Dispatcher, { protocol }: URL): boolean {
  const proxied = member(dispatcher, protocol === 'https:' ? 'https proxy agent' : 'http proxy agent');
  return proxied === undefined || proxied !== member(dispatcher, 'no proxy agent');
}

/** What undici keeps under a symbol. */
function member(dispatcher: Dispatcher, description: string): unknown {
  const key = Object.getOwnPropertySymbols(dispatcher).find((symbol) => symbol.description === description);
  return key && (dispatcher as unknown as Record<symbol, unknown>)[key];
}

function noProxy(): string {
  const { no_proxy: lower, NO_PROXY: upper } = environment();
  return lower ?? upper ?? '';
}

function classNames(dispatcher: object): string[] {
  const prototype: object | null = Object.getPrototypeOf(dispatcher);
  return prototype === null ? [] : [prototype.constructor.name, ...classNames(prototype)];
}
