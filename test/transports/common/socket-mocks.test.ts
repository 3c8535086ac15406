import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import nock from 'nock';
import type { Settings } from '../../../src/config/settings.ts';
import { SocketMocks } from '../../../src/transports/common/socket-mocks.ts';

type Connect = Socket['connect'];

const mocks = new SocketMocks({ discovery: 'auto' } as Settings);
nock.restore();

test('a mock counts from when it takes the place of sockets until it has gone, as often as it comes', (t) => {
  t.after(() => nock.restore());
  for (let i = 0; i < 2; i++) {
    assert.equal(mocks.areActive, false);
    nock.activate();
    assert.equal(mocks.areActive, true);
    nock.restore();
  }
  assert.equal(mocks.areActive, false);
});

test('a tracer that wraps connect is no mock, and hides none, whichever comes first', (t) => {
  const unwrap = wrapConnect(t);
  assert.equal(mocks.areActive, false);
  nock.activate();
  t.after(() => nock.restore());
  assert.equal(mocks.areActive, true);
  wrapConnect(t);
  assert.equal(mocks.areActive, true);
  nock.restore();
  assert.equal(mocks.areActive, false);
  unwrap();
  assert.equal(mocks.areActive, false);
});

test('a mock in a sandbox with globals of its own counts', (t) => {
  const wrap = runInContext(
    `(connect) => function (...args) {
      globalThis.__MSW_INTERNAL_CONNECTION_CONTEXT?.consume();
      return connect.apply(this, args);
    }`,
    createContext({}),
  ) as (connect: Connect) => Connect;
  const { connect } = Socket.prototype;
  t.after(() => {
    Socket.prototype.connect = connect;
  });
  Socket.prototype.connect = wrap(connect);
  assert.equal(mocks.areActive, true);
});

test('for names that only the user can find, no mock counts', (t) => {
  const own = new SocketMocks({ discovery: async function* () {} } as unknown as Settings);
  nock.activate();
  t.after(() => nock.restore());
  assert.equal(own.areActive, false);
});

function wrapConnect(t: TestContext): () => void {
  const { connect } = Socket.prototype;
  const unwrap = () => {
    Socket.prototype.connect = connect;
  };
  t.after(unwrap);
  Socket.prototype.connect = function (this: Socket, ...args: never[]) {
    return Reflect.apply(connect, this, args) as Socket;
  } as Connect;
  return unwrap;
}
