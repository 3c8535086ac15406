import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  Agent,
  type Dispatcher,
  EnvHttpProxyAgent,
  interceptors,
  MockAgent,
  ProxyAgent,
  SnapshotAgent,
  Socks5ProxyAgent,
} from 'undici';
import * as undici6 from 'undici6';
import * as undici7 from 'undici7';
import { claims } from '../../src/global/claims.ts';

const ORDERS = new URL('http://orders:8080');
const PROXY = 'http://127.0.0.1:3128';
const VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
const saved = VARIABLES.map((name) => [name, process.env[name]] as const);

beforeEach(() => {
  for (const name of VARIABLES) delete process.env[name];
});

afterEach(() => {
  for (const [name, value] of saved) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

function of(dispatcher: object): Dispatcher {
  return dispatcher as Dispatcher;
}

test('an agent that only sends claims nothing', () => {
  assert.equal(claims(new Agent(), ORDERS), false);
  assert.equal(claims(new Agent().compose(interceptors.redirect({ maxRedirections: 1 })), ORDERS), false);
  assert.equal(claims(of(new undici6.Agent()), ORDERS), false);
});

test('proxies and mocks claim everything, whichever undici they come from', () => {
  const all = [
    new ProxyAgent(PROXY),
    new ProxyAgent(PROXY).compose(interceptors.redirect({ maxRedirections: 1 })),
    new Socks5ProxyAgent('socks5://127.0.0.1:1080'),
    new MockAgent(),
    new MockAgent().get('http://other'),
    new SnapshotAgent({ mode: 'record' }),
    new undici6.ProxyAgent(PROXY),
    new undici6.MockAgent(),
    new undici7.ProxyAgent(PROXY),
    new undici7.MockAgent(),
  ];
  for (const dispatcher of all)
    assert.equal(claims(of(dispatcher), ORDERS), true, dispatcher.constructor.name);
});

test('a class of one’s own is what it extends', () => {
  class CompanyProxy extends ProxyAgent {}
  class CompanyAgent extends Agent {}
  assert.equal(claims(new CompanyProxy(PROXY), ORDERS), true);
  assert.equal(claims(new CompanyAgent(), ORDERS), false);
});

for (const [name, { EnvHttpProxyAgent: EnvAgent }] of Object.entries({
  undici6,
  undici7,
  undici8: { EnvHttpProxyAgent },
})) {
  test(`the environment’s proxy claims what no_proxy does not exempt (${name})`, () => {
    process.env.http_proxy = PROXY;
    process.env.no_proxy = 'localhost,.svc';
    const agent = of(new EnvAgent());
    assert.equal(claims(agent, ORDERS), true);
    assert.equal(claims(agent, new URL('https://orders')), true, 'http_proxy stands in for https_proxy');
    assert.equal(claims(agent, new URL('http://orders.prod.svc')), false);
    process.env.no_proxy = 'orders';
    assert.equal(claims(agent, ORDERS), false, 'it is read again each time');
  });

  test(`an agent for the environment’s proxy claims nothing where there is none (${name})`, () => {
    assert.equal(claims(of(new EnvAgent()), ORDERS), false);
    process.env.https_proxy = PROXY;
    const agent = of(new EnvAgent());
    assert.equal(claims(agent, ORDERS), false);
    assert.equal(claims(agent, new URL('https://orders')), true);
  });
}

test('a proxy that such an agent was given by hand counts like the environment’s', () => {
  assert.equal(claims(new EnvHttpProxyAgent({ httpProxy: PROXY }), ORDERS), true);
});

test('what is no dispatcher of undici’s claims nothing', () => {
  assert.equal(claims(of({ dispatch: () => true }), ORDERS), false);
  assert.equal(claims(of(Object.create(null)), ORDERS), false);
});
