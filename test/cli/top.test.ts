import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { EndpointView, ServiceView } from '../../src/admin/view.ts';
import { picture } from '../../src/cli/top/picture.ts';
import { Rates } from '../../src/cli/top/rates.ts';
import { top } from '../../src/cli/top.ts';
import { startAdmin } from '../admin/visiting.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { published } from '../support/channel.ts';
import { startPods } from '../support/pods.ts';

function output(terminal: { isTTY?: boolean; columns?: number; rows?: number } = {}) {
  const said = { ...terminal, text: '', write: (more: string) => (said.text += more) };
  return said;
}

test('it shows what each pod does, and why one gets nothing', async (t) => {
  const { port } = await startAdmin(t);
  const pods = await startPods(t, 3);
  pods[1]!.respond = (_, response) => void response.writeHead(503).end();
  const agent = startAgent(t, [], { discovery: new ManualResolver(pods).resolve });
  const ejected = published('evenkeel:endpoint:eject');
  const requests = setInterval(() => void get(agent).catch(() => {}), 5);
  t.after(() => clearInterval(requests));
  await ejected;
  const said = output();
  assert.equal(await top([String(port)], said), 0);
  const [headline, heads, first, ...others] = said.text.trimEnd().split('\n');
  assert.match(headline!, new RegExp(`^${ORIGIN} {2}\\d+ req/s .* p99 .* 3 endpoints by test$`));
  assert.match(heads!, /^POD +REQ\/S +IN FLIGHT +P50 +P99 +FAILED +CONN +STATE$/);
  assert.match(first!, new RegExp(`^${pods[1]!.address}:.* ejected for 503, \\d+ s left$`));
  for (const line of others) assert.match(line, /:\d+ +[\d.]+ .* ready$/);
});

test('in a terminal it has a screen of its own, until somebody ends it', async (t) => {
  const { port } = await startAdmin(t);
  await get(startAgent(t, await startPods(t, 60)));
  const said = output({ isTTY: true, columns: 70, rows: 20 });
  const ended = top([`127.0.0.1:${port}`], said);
  while (said.text.split('\x1b[H').length < 3) await delay(50);
  process.emit('SIGINT');
  assert.equal(await ended, 0);
  assert.ok(said.text.startsWith('\x1b[?1049h') && said.text.endsWith('\x1b[?1049l'));
  const lines = stripVTControlCharacters(said.text.split('\x1b[H')[2]!).split('\n');
  assert.ok(lines.length <= 20);
  for (const line of lines) assert.ok(line.length <= 70, line);
  assert.match(lines.join('\n'), /^and \d+ more$/m);
});

test('nobody who answers is said, with what to do about it', async () => {
  await assert.rejects(
    top(['127.0.0.1:1'], output()),
    /127\.0\.0\.1:1 can't be watched: .*ECONNREFUSED.*\nStart the app with EVENKEEL_ADMIN=9909/,
  );
});

test('the end of a process that is watched is said', async (t) => {
  const [pod] = await startPods(t, 1);
  pod!.respond = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"at":0,"services":[],"happened":[]}\n\n', () => request.socket.destroy());
  };
  await assert.rejects(top([`${pod!.address}:${pod!.port}`], output()), {
    message: `${pod!.address}:${pod!.port} can't be watched: it has ended`,
  });
});

test('what answers and is no page of evenkeel’s is said', async (t) => {
  const [pod] = await startPods(t, 1);
  await assert.rejects(
    top([`${pod!.address}:${pod!.port}`], output()),
    /is no page of evenkeel's \(status 200\)/,
  );
});

test('nothing that a pod says of itself does anything to the terminal', () => {
  const row = {
    address: '10.0.0.1:80',
    identity: 'a\x1b[2Jb\r\nc',
    mood: 'good',
    says: 'ready',
    requests: 1,
    inFlight: 0,
    failures: 0,
    connections: 1,
  };
  const services = {
    [ORIGIN]: {
      discovery: { source: 'dns', error: null },
      endpoints: [row as EndpointView],
      running: 0,
      pending: 0,
    } as unknown as ServiceView,
  };
  const rates = new Rates();
  rates.add(0, services);
  const text = picture(services, rates, { colour: false, columns: 200, rows: 50 }).join('');
  assert.doesNotMatch(text, /\p{Cc}/u);
});
