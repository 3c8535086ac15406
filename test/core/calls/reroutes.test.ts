import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Agent, buildConnector } from 'undici';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { startPod } from '../../support/pods.ts';

const CONNECTIONS = 12;

for (const client of ['stock', 'balanced'] as const) {
  test(`a request is served though a dozen connections end, one after the other, before it is written (${client})`, async (t) => {
    const pod = await startPod(t);
    const { address: hostname, port } = pod;
    const dial = buildConnector({});
    const sockets: Socket[] = [];
    const held: (() => void)[] = [];
    let holds = true;
    const options = {
      connections: CONNECTIONS,
      // Those that take their place come in the end.
      connect: ((params, callback) => {
        const make = () =>
          dial({ ...params, hostname, port: String(port) }, (...made) => {
            if (made[1] !== null) sockets.push(made[1]);
            callback(...made);
          });
        if (holds && sockets.length >= CONNECTIONS) held.push(make);
        else make();
      }) as buildConnector.connector,
    };
    const agent = client === 'stock' ? new Agent(options) : startAgent(t, [pod], options);
    if (client === 'stock') t.after(() => agent.destroy());
    const send = async (path: string, method: 'GET' | 'POST') => {
      const { body } = await agent.request({ origin: ORIGIN, path, method });
      return body.text();
    };
    const accepted = new Map<string, Socket>();
    pod.on('request', ({ url, socket }: IncomingMessage) => accepted.set(url!, socket));

    const paths = Array.from({ length: CONNECTIONS }, (_, n) => `/slow/${n}`);
    const others = paths.map((path) => send(path, 'GET'));
    for (const path of paths) await pod.received(path);
    const ends = paths.map(
      (path) => sockets.find((end) => end.localPort === accepted.get(path)!.remotePort)!,
    );
    const waiting = send('/', 'POST');
    for (const [n, path] of paths.entries()) {
      const closed = once(accepted.get(path)!, 'close');
      pod.release(path);
      await others[n];
      // The one that waits has been given to it, and is written in the next phase of the event loop.
      ends[n]!.destroy();
      await closed;
    }
    holds = false;
    for (const make of held) make();
    assert.equal(await waiting, pod.address);
  });
}
