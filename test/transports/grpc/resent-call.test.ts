import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Attempt } from '../../../src/transports/grpc/attempts.ts';
import type {
  CallListener,
  Metadata,
  StatusObject,
  SubchannelCall,
} from '../../../src/transports/grpc/grpc-js.ts';
import { type Found, ResentCall, type Sender } from '../../../src/transports/grpc/resent-call.ts';

const metadata = { get: () => [] };
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
  let heard: (string | number)[];
  let call: ResentCall;

  const sender: Sender = {
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
      const child: Partial<SubchannelCall> = {
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
    stranded = new Set();
    heard = [];
    call = new ResentCall(attempt(), sender, START, {
      onReceiveMetadata: () => void heard.push('metadata'),
      onReceiveMessage: (message) => void heard.push(`${message}`),
      onReceiveStatus: ({ code }) => void heard.push(code),
    });
  });

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

  test('is not sent anew if its caller has given it up while the refusal was on its way', () => {
    call.cancelWithStatus(1, 'no longer needed');
    refuse();
    assert.equal(sendings.length, 1);
    assert.deepEqual(sendings[0]!.done, ['cancel']);
  });

  test('is not sent anew if its messages are too long to be kept', () => {
    write('x'.repeat(2 ** 20));
    write('y');
    refuse();
    assert.deepEqual([sendings.length, heard], [1, [14]]);
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
