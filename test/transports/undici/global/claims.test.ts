import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import {
  Agent,
  Client,
  type Dispatcher,
  Dispatcher1Wrapper,
  EnvHttpProxyAgent,
  interceptors,
  MockAgent,
  ProxyAgent,
  RetryAgent,
  SnapshotAgent,
  Socks5ProxyAgent,
} from 'undici';
import * as undici6 from 'undici6';
import * as undici7 from 'undici7';
import { claims, oddity } from '../../../../src/transports/undici/global/claims.ts';

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

test('a plain agent claims nothing, whichever undici it comes from', () => {
  for (const agent of [new Agent(), new Agent({}), new undici6.Agent(), new undici7.Agent()])
    assert.equal(claims(of(agent), ORDERS), false);
});

test('an agent that somebody has given a say claims everything', () => {
  class CompanyAgent extends Agent {}
  const patched = new Agent();
  patched.dispatch = () => false;
  const guards = [
    new Agent({ connect: (_options, callback) => callback(new Error('private'), null) }),
    new Agent({ connect: { lookup: () => assert.fail() } }),
    new Agent({ factory: (origin) => new Client(origin) }),
    new Agent({ headersTimeout: 0 }),
    new Agent().compose((dispatch) => dispatch),
    patched,
    new CompanyAgent(),
    new RetryAgent(new Agent()),
    new EnvHttpProxyAgent({ connect: { rejectUnauthorized: false } }),
    new EnvHttpProxyAgent().compose((dispatch) => dispatch),
    new undici6.Agent({ interceptors: { Agent: [], Client: [] } }),
    new undici6.Agent({ connect: { ca: 'none' } }),
    new undici7.Agent({ bodyTimeout: 5 }).compose((dispatch) => dispatch),
    new Dispatcher1Wrapper(new Agent()),
  ];
  for (const guard of guards) assert.equal(claims(of(guard), ORDERS), true, oddity(of(guard)));
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

test('what is no dispatcher of undici’s claims everything', () => {
  assert.equal(claims(of({ dispatch: () => true }), ORDERS), true);
  assert.equal(claims(of(Object.create(null)), ORDERS), true);
});
