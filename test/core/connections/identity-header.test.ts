import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import { test } from 'node:test';
import { ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { h2c, startH2Pod } from '../../support/h2-pod.ts';
import { ask, HEADER } from './identity-header.ts';

test('what a connection of HTTP/2 carries when it is recognised, event streams too, counts as its pod’s from then on', async (t) => {
  const held: ServerHttp2Stream[] = [];
  let source: ServerHttp2Stream | undefined;
  const all = Promise.withResolvers<void>();
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    if (headers[':path'] === '/first') {
      // Another pod, as far as anybody can tell: one name alone might be what all share.
      stream.respond({ ':status': 200, [HEADER]: 'pod-9' });
      stream.end();
      stream.session!.close();
    } else if (headers[':path'] === '/events') {
      stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
      stream.write(':\n\n');
      source = stream;
    } else {
      held.push(stream);
    }
    if (nth === 7) all.resolve();
  });
  const resolver = new ManualResolver();
  resolver.set([pod], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: HEADER, spread: 1, ...h2c });
  const first = await agent.request({ origin: ORIGIN, path: '/first', method: 'GET' });
  await first.body.dump();
  const events = await agent.request({ origin: ORIGIN, path: '/events', method: 'GET' });
  const asked = Array.from({ length: 5 }, () => ask(agent));
  await all.promise;
  const counts = () =>
    agent.stats[ORIGIN]!.endpoints.map(({ identity, inFlight, requests }) => ({
      identity,
      inFlight,
      requests,
    }));
  assert.deepEqual(counts(), [{ identity: undefined, inFlight: 5, requests: 7 }]);
  const answer = (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, [HEADER]: 'pod-0' });
    stream.end();
  };
  answer(held.shift()!);
  await Promise.race(asked);
  assert.deepEqual(counts(), [{ identity: 'pod-0', inFlight: 4, requests: 6 }]);
  for (const stream of held) answer(stream);
  await Promise.all(asked);
  source!.end();
  await events.body.dump();
  assert.deepEqual(counts(), [{ identity: 'pod-0', inFlight: 0, requests: 6 }]);
});
