import type { Dispatcher } from 'undici';
import { environment } from '../../../core/base/environment.ts';
import { member } from '../undici.ts';
import { exempts } from './no-proxy.ts';

/**
 * Whether a dispatcher that was global before keeps requests to a URL. All but a plain Agent do, because they may
 * refuse, answer, change or record requests. A dispatcher for the environment's proxy keeps only URLs that go through
 * the proxy. Classes are compared by name, because the dispatcher may come from any copy of undici, above all from the
 * one inside Node.js.
 */
export function claims(dispatcher: Dispatcher, url: URL): boolean {
  if (!isForProxy(dispatcher)) return oddity(dispatcher) !== undefined;
  return hasProxy(dispatcher, url) && !exempts(noProxy(), url);
}

/** In words, why a dispatcher is no plain Agent; `undefined` if it is one. */
export function oddity(dispatcher: Dispatcher): string | undefined {
  if (isForProxy(dispatcher)) return undefined;
  const [name = 'an object of no class', parent] = classNames(dispatcher);
  if (name !== 'Agent' || parent !== 'DispatcherBase') return `no plain Agent but ${name}`;
  if (isComposed(dispatcher)) return 'an Agent with interceptors';
  const given = optionsOf(dispatcher);
  return given.length === 0 ? undefined : `an Agent with options (${given.join(', ')})`;
}

/** Whether it only wraps a newer undici's dispatcher for older callers. */
export function isBridge(dispatcher: Dispatcher): boolean {
  return classNames(dispatcher)[0] === 'Dispatcher1Wrapper' && !isComposed(dispatcher);
}

/** Whether it sends requests to the environment's proxy, and all others through a plain Agent. */
function isForProxy(dispatcher: Dispatcher): boolean {
  const [name, parent] = classNames(dispatcher);
  if (name !== 'EnvHttpProxyAgent' || parent !== 'DispatcherBase' || isComposed(dispatcher)) return false;
  const direct = member(dispatcher, 'no proxy agent') as Dispatcher | undefined;
  return direct !== undefined && oddity(direct) === undefined;
}

/** `compose` makes a Proxy with another `dispatch`. */
export function isComposed(dispatcher: Dispatcher): boolean {
  return dispatcher.dispatch !== (Object.getPrototypeOf(dispatcher) as Dispatcher | null)?.dispatch;
}

/** The options that an Agent was given. */
function optionsOf(agent: Dispatcher): string[] {
  const options = Object.entries((member(agent, 'options') ?? { unknown: true }) as object);
  const given = options.filter(([, value]) => value != null && value !== Number.POSITIVE_INFINITY);
  const factory = member(agent, 'factory') as { name: string } | undefined;
  return [...given.map(([name]) => name), ...(factory?.name === 'defaultFactory' ? [] : ['factory'])];
}

/** Whether an EnvHttpProxyAgent has a proxy for URLs with this protocol. The environment may name none. */
function hasProxy(dispatcher: Dispatcher, { protocol }: URL): boolean {
  const proxied = member(dispatcher, protocol === 'https:' ? 'https proxy agent' : 'http proxy agent');
  return proxied === undefined || proxied !== member(dispatcher, 'no proxy agent');
}

function noProxy(): string {
  const { no_proxy: lower, NO_PROXY: upper } = environment();
  return lower ?? upper ?? '';
}

function classNames(dispatcher: object): string[] {
  const prototype: object | null = Object.getPrototypeOf(dispatcher);
  return prototype === null ? [] : [prototype.constructor.name, ...classNames(prototype)];
}
