import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { beforeEach, describe, test } from 'node:test';
import type { Attempt } from '../../../src/transports/grpc/attempts.ts';
import type {
  CallListener,
  Metadata,
  StatusObject,
  SubchannelCall,
} from '../../../src/transports/grpc/grpc-js.ts';
import { type Found, ResentCall, type Sender } from '../../../src/transports/grpc/resent-call.ts';

const metadata: Metadata = { get: () => [], set() {} };
const REFUSAL: StatusObject = { code: 14, details: 'Stream refused by server', metadata };
const START = { metadata, host: 'orders.prod', method: '/test.Echo/Unary', callId: 1 };

/** One sending of the call: what was done with it, and whom it tells. */
interface Sending {
  readonly done: string[];
  readonly listener: CallListener;
}

describe('a call that may be sent again', () => {
  let sendings: Sending[];
  let found: 'served' | 'waiting' | 'failing';
  let stranded: Set<ResentCall>;
  /** The code with which streams are closed. */
  let rstCode: number;
  let heard: (string | number)[];
  let call: ResentCall;

  /** Bytes for which there is room, and those that are kept. */
  let room: number;
  let kept: number;
  let now: number;

  const sender: Sender = {
    now: () => now,
    keep(bytes) {
      if (kept + bytes > room) return false;
      kept += bytes;
      return true;
    },
    release(bytes) {
      kept -= bytes;
    },
    attempt: (): Found => (found === 'served' ? attempt() : found),
    strand(waiting) {
      stranded.add(waiting);
      return { cancel() {} };
    },
    unstrand: (waiting) => void stranded.delete(waiting),
  };

  function attempt(): Attempt {
    const createCall = (_: Metadata, __: string, ___: string, listener: CallListener) => {
      const done: string[] = [];
      sendings.push({ done, listener });
      const child: Partial<SubchannelCall> & { http2Stream: { rstCode: number } } = {
        http2Stream: { rstCode },
        sendMessageWithContext: (context, message) => {
          done.push(`${message}`);
          context.callback?.();
        },
        startRead: () => void done.push('read'),
        halfClose: () => void done.push('half-close'),
        cancelWithStatus: () => void done.push('cancel'),
      };
      return child;
    };
    return {
      subchannel: { getRealSubchannel: () => ({ createCall }) },
      onCallStarted() {},
      end: (_code: number, details: string) => details === REFUSAL.details,
    } as unknown as Attempt;
  }

  beforeEach(() => {
    sendings = [];
    found = 'served';
    rstCode = constants.NGHTTP2_REFUSED_STREAM;
    stranded = new Set();
    heard = [];
    room = 8;
    kept = 0;
    now = 0;
    call = start();
  });

  const start = (sent: Metadata = metadata) =>
    new ResentCall(
      attempt(),
      sender,
      { ...START, metadata: sent },
      {
        onReceiveMetadata: () => void heard.push('metadata'),
        onReceiveMessage: (message) => void heard.push(`${message}`),
        onReceiveStatus: ({ code }) => void heard.push(code),
      },
    );
  const refuse = () => sendings.at(-1)!.listener.onReceiveStatus(REFUSAL);
  const write = (text: string, callback = () => {}) =>
    call.sendMessageWithContext({ callback }, Buffer.from(text));

  test('is sent anew with what was done, and its caller hears of each message once', () => {
    let written = 0;
    call.startRead();
    write('one', () => written++);
    refuse();
    write('two', () => written++);
    call.halfClose();
    refuse();
    assert.deepEqual(
      sendings.map(({ done }) => done.join(' ')),
      ['read one', 'read one two half-close', 'read one two half-close'],
    );
    assert.equal(written, 2);
    assert.deepEqual(heard, []);
  });

  test('is not sent anew once the server has begun to answer', () => {
    sendings[0]!.listener.onReceiveMetadata(metadata);
    refuse();
    assert.deepEqual([sendings.length, heard], [1, ['metadata', 14]]);
  });

  test('is not sent anew if the server has said of it, in a status, what grpc-js says of a refusal', () => {
    rstCode = constants.NGHTTP2_NO_ERROR;
    call = start();
    refuse();
    assert.deepEqual([sendings.length, heard], [2, [14]]);
  });

  test('is not sent anew if its caller has given it up while the refusal was on its way', () => {
    call.cancelWithStatus(1, 'no longer needed');
    refuse();
    assert.equal(sendings.length, 1);
    assert.deepEqual(sendings[0]!.done, ['cancel']);
  });

  test('is not sent anew if there is no room to keep its messages, and keeps none of them then', () => {
    write('12345678');
    assert.equal(kept, 8);
    write('9');
    assert.equal(kept, 0);
    refuse();
    assert.deepEqual([sendings.length, heard], [1, [14]]);
  });

  test('is sent with what was written while it waited, though there is no room for that, and then not anew', () => {
    found = 'waiting';
    refuse();
    write('123456789');
    found = 'served';
    call.sendAgain();
    assert.deepEqual([sendings[1]!.done, kept], [['123456789'], 0]);
    refuse();
    assert.deepEqual([sendings.length, heard], [2, [14]]);
  });

  test('keeps nothing once it has ended, or the server has begun to answer', () => {
    write('1234');
    sendings[0]!.listener.onReceiveMetadata(metadata);
    assert.equal(kept, 0);
    call = start();
    write('1234');
    sendings[1]!.listener.onReceiveStatus({ code: 0, details: 'OK', metadata });
    assert.equal(kept, 0);
  });

  test('tells the server that it is sent to anew how much time is left', () => {
    const told = new Map([['grpc-timeout', '10S']]);
    const timed = {
      get: (key: string) => [told.get(key)!],
      set: (key: string, value: string) => told.set(key, value),
    };
    call = start(timed);
    now = 2_500.5;
    refuse();
    assert.equal(told.get('grpc-timeout'), '7500m');
    now = 11_000;
    refuse();
    assert.equal(told.get('grpc-timeout'), '1m');
  });

  test('waits while nobody takes it, keeps what is written meanwhile, and is sent then', () => {
    found = 'waiting';
    refuse();
    write('one');
    call.halfClose();
    assert.deepEqual([sendings.length, stranded.size], [1, 1]);
    found = 'served';
    call.sendAgain();
    assert.deepEqual([stranded.size, sendings[1]!.done], [0, ['one', 'half-close']]);
  });

  test('ends with the refusal if nobody will take it', () => {
    found = 'failing';
    refuse();
    assert.deepEqual([sendings.length, heard], [1, [14]]);
  });

  test('ends as its caller says while it waits', () => {
    found = 'waiting';
    refuse();
    call.cancelWithStatus(4, 'too late');
    assert.deepEqual([stranded.size, heard], [0, [4]]);
    call.giveUp();
    assert.deepEqual(heard, [4]);
  });
});
