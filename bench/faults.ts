// What do requests suffer when a pod does, or all of them?
//
// 500 requests a second, GETs and POSTs, arrive at even distances at five pods, which are processes and take
// 10 ms. Beside evenkeel, by undici and by node:http, in turns: undici's Agent and RoundRobinPool, the Agent of
// node:http and agentkeepalive, each behind a stand-in for a ClusterIP, which picks a pod for each connection;
// undici's `dns` and `retry` interceptors; HAProxy and nginx as sidecars. What each made of the time just before
// the fault is what it is compared with. Latencies count from when a request was due.
//
// --only NAME[,NAME…]        some of the faults; `aborts` is one
// --contenders NAME[,NAME…]  some of the contenders
// --seconds S --rounds R     how long a fault lasts, and how often

import { parseArgs } from 'node:util';
import { Peer } from '../test/netns/bed/peer.ts';
import type { ClientMethods } from './support/faults/client-process.ts';
import { CONTENDERS } from './support/faults/contenders.ts';
import { endpointsOf, originOf, play, type Setting } from './support/faults/episode.ts';
import { startFleet } from './support/faults/fleet.ts';
import type { Outcome } from './support/faults/outcome.ts';
import { Place } from './support/faults/place.ts';
import { sidecarObstacle } from './support/faults/sidecars.ts';
import { FAULTS, type Fault } from './support/faults/table.ts';
import { tell, tellAborts } from './support/faults/tell.ts';
import { progress } from './support/report.ts';

const PODS = 5;
const ABORTS = 10_000;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string' },
    contenders: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
  },
});

check('--only', args.only, [...FAULTS.map(({ name }) => name), 'aborts']);
check('--contenders', args.contenders, CONTENDERS);
const place = await Place.create();
const contenders = chosen(CONTENDERS, args.contenders).filter((name) =>
  isPossible(name, sidecarObstacle(name)),
);
const faults = FAULTS.filter(({ name }) => chosen([name], args.only).length > 0).filter(
  ({ name, needsNamespace }) => !needsNamespace || isPossible(name, place.obstacle),
);
const setting: Setting = {
  place,
  client: new Peer<ClientMethods>(place.fork(new URL('./support/faults/client-process.ts', import.meta.url))),
  pods: await startFleet(place, PODS),
  seconds: Number(args.seconds),
};

for (const fault of faults) await compare(fault);
if (chosen(['aborts'], args.only).length > 0) {
  progress('faults: aborts');
  const { client, pods } = setting;
  tellAborts(ABORTS, await client.call('aborts', originOf(pods), endpointsOf(pods), ABORTS));
}
process.exit();

async function compare(fault: Fault): Promise<void> {
  const rounds = Number(args.rounds);
  const outcomes = contenders.map((): Outcome[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round) % contenders.length;
      progress(`faults: ${fault.name}, ${contenders[index]}, round ${round + 1} of ${rounds}`);
      outcomes[index]!.push(await play(fault, contenders[index]!, setting));
    }
  }
  contenders.forEach((contender, index) => void tell(fault, contender, outcomes[index]!));
}

function chosen<Name extends string>(names: readonly Name[], list: string | undefined): readonly Name[] {
  return list === undefined ? names : names.filter((name) => list.split(',').includes(name));
}

function check(option: string, list: string | undefined, names: readonly string[]): void {
  const unknown = list?.split(',').find((name) => !names.includes(name));
  if (unknown === undefined) return;
  console.error(`${option}: there is no '${unknown}'; there are: ${names.join(', ')}`);
  process.exit(2);
}

function isPossible(name: string, obstacle: string | undefined): boolean {
  if (obstacle !== undefined) console.error(`${name} is skipped: ${obstacle}`);
  return obstacle === undefined;
}
