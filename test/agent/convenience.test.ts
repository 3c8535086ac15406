import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { get, startAgent } from '../support/agent.ts';
import { startPods } from '../support/pods.ts';

test('agent.fetch is fetch through the agent, and needs no cast', async (t) => {
  const [pod] = await startPods(t, 1);
  const agent = startAgent(t, [pod!]);
  const { fetch } = agent;
  pod!.respond = (request, response) => void response.end(`${request.method} ${request.headers.host}`);
  const response = await fetch('http://orders.prod/', { method: 'PUT', body: 'x' });
  assert.equal(await response.text(), 'PUT orders.prod');
  assert.equal(agent.stats['http://orders.prod']!.endpoints[0]!.requests, 1);
});

test('an agent is shown in a few words', async (t) => {
  const agent = startAgent(t, await startPods(t, 2));
  assert.equal(inspect(agent), 'BalancedAgent { no origins }');
  await get(agent);
  assert.equal(
    inspect({ agent }),
    '{\n  agent: BalancedAgent { http://orders.prod: 2 endpoints, 0 requests under way, 0 waiting }\n}',
  );
});
