import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { balancedSessions, retryRefused } from '../../../src/connect.ts';
import { callsOf } from '../../support/answers.ts';
import { BASE_URL, EchoClient } from '../../support/connect-client.ts';
import { type ConnectPod, startConnectPod, startConnectPods } from '../../support/connect-pod.ts';
import { startH2Pod } from '../../support/h2-pod.ts';
import { type Addressed, ManualResolver } from '../../support/manual-resolver.ts';

function startRetrying(t: TestContext, pods: readonly Addressed[]): EchoClient {
  const sessions = balancedSessions(BASE_URL, { discovery: new ManualResolver(pods).resolve });
  t.after(() => {
    sessions.abort();
    return sessions.close();
  });
  const interceptors = [retryRefused];
  return new EchoClient(createGrpcTransport({ baseUrl: BASE_URL, sessionManager: sessions, interceptors }));
}

/** As a server that is told to end. */
function goAway({ sessions }: ConnectPod): void {
  for (const session of sessions) if (!session.closed) session.close();
}

describe('with retryRefused', () => {
  test('no call fails that crosses a GOAWAY, and each is served once', async (t) => {
    const pods = await startConnectPods(t, 3);
    let served = 0;
    for (const pod of pods) {
      pod.onUnary = async () => {
        if (++served % 15 === 0) goAway(pod);
        return { value: pod.address };
      };
    }
    const client = startRetrying(t, pods);
    await client.calls(300, 20);
    assert.equal(served, 300);
    assert.ok(pods.some(({ sessions }) => sessions.length > 3));
  });

  test('a call that is refused is sent four times at most, and fails as without', async (t) => {
    const pod = await startH2Pod(t, (stream) => stream.close(7));
    const error = ConnectError.from(
      await startRetrying(t, [pod])
        .call()
        .catch((failure: unknown) => failure),
    );
    assert.equal(error.code, Code.Internal);
    assert.match(error.rawMessage, /REFUSED_STREAM/);
    assert.equal(pod.streams, 4);
  });

  test('calls that fail in other ways are sent once', async (t) => {
    const pod = await startConnectPod(t);
    const client = startRetrying(t, [pod]);
    const message = 'Stream closed with error code NGHTTP2_REFUSED_STREAM';
    pod.onUnary = () => Promise.reject(new ConnectError(message, Code.Unavailable));
    await assert.rejects(client.call());
    assert.deepEqual(callsOf([pod]), [1]);
    for (const code of [1, 2, 8, 11]) {
      const other = await startH2Pod(t, (stream) => stream.close(code));
      await assert.rejects(startRetrying(t, [other]).call());
      assert.equal(other.streams, 1);
    }
  });

  test('streams are not sent again: what they have sent is gone', async (t) => {
    const pod = await startH2Pod(t, (stream) => stream.close(7));
    const client = startRetrying(t, [pod]);
    await assert.rejects(client.stream(), /REFUSED_STREAM/);
    await assert.rejects(client.upload(['one']), /REFUSED_STREAM/);
    assert.equal(pod.streams, 2);
  });
});
