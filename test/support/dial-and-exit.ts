// Sends requests while a pod swallows dials, and says how long the process went on after that.
import { BalancedAgent } from '../../src/index.ts';
import { load, ManualResolver } from './agent.ts';
import { startFrozenPod } from './frozen-pod.ts';
import { startPod } from './pods.ts';

const cleanUp: (() => unknown)[] = [];
const t = { after: (fn: () => unknown) => void cleanUp.push(fn) };

const frozen = await startFrozenPod(t);
const pod = await startPod(t as Parameters<typeof startPod>[0]);
await frozen.vanish();
const agent = new BalancedAgent({
  discovery: new ManualResolver([frozen, pod]).resolve,
  connectTimeout: '10s',
});
await load(agent, 20, 4);
const connecting = process.getActiveResourcesInfo().filter((type) => type === 'ConnectWrap').length;
pod.server.unref();
for (const socket of pod.sockets) socket.unref();
frozen.unref();
const ended = performance.now();
process.once('exit', () => {
  const heldFor = Math.round(performance.now() - ended);
  console.log(JSON.stringify({ connecting, heldFor }));
});
