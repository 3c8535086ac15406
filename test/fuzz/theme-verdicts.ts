// What is wrong with a play of a scenario about one thing.
import type { Play } from './play.ts';
import { callsOf, type Scenario } from './scenario.ts';
import { ENDING, LONG } from './themes.ts';
import type { Finding, Kind } from './verdicts.ts';

/**
 * Milliseconds by which half of the requests may come to pods later than stock's: both clients share a process, so that
 * a busy machine makes both wait.
 */
const LATE = 120;
/** Milliseconds before the end of an idle connection in which nothing is sent on it, and by which this process may be late. */
const NEAR_END = 50;

/** Three show it, and some may be made meanwhile, ahead of requests. */
const MOST_DOUBLE = 8;

type Say = (kind: Kind, text: string) => void;

export function judgeTheme(scenario: Scenario, stock: Play, ours: Play): Finding[] {
  const findings: Finding[] = [];
  const say = (kind: Kind, text: string) => findings.push({ kind, call: 0, text, certain: false });
  if (scenario.theme === 'cold') judgeWaits(stock, ours, say);
  else if (scenario.theme === 'trickle') judgeTrickle(scenario, ours, say);
  else if (scenario.theme === 'aged') judgeAged(scenario, ours, say);
  else if (scenario.theme === 'leaving') judgeLeaving(scenario, ours, say);
  else if (scenario.theme === 'lowered') judgeGivenBack(ours, say);
  else if (scenario.theme === 'sending') judgeSending(ours, say);
  else if (scenario.theme === 'unkept') judgeUnkept(stock, ours, say);
  else if (scenario.theme === 'double') judgeDouble(scenario, ours, say);
  else if (scenario.theme === 'ending') judgeEnding(scenario, ours, say);
  return findings;
}

/** Each request comes to a pod about as soon as with stock, which makes a connection for each. */
function judgeWaits(stock: Play, ours: Play, say: Say): void {
  const [before, now] = [waitOf(stock), waitOf(ours)];
  if (now > 2 * before + LATE)
    say('slow', `half of the requests wait for ${Math.round(now)} ms, ${Math.round(before)} ms with stock`);
}

/** Milliseconds from a call to its arrival at a pod: the median. */
function waitOf({ outcomes, ledger }: Play): number {
  const waits = [...outcomes].map(([call, { startedAt }]) => {
    const [first] = ledger.attempts.get(call) ?? [];
    return first === undefined ? Number.POSITIVE_INFINITY : first.at - startedAt;
  });
  return waits.toSorted((a, b) => a - b)[waits.length >> 1] ?? 0;
}

/** Once its rate is known, all pods are used but, at the worst, the one that says something special. */
function judgeTrickle({ pods }: Scenario, { ledger }: Play, say: Say): void {
  const all = [...ledger.attempts.values()].flat().toSorted((a, b) => a.at - b.at);
  const last = all.slice(-2 * pods).map(({ wire }) => wire.pod);
  if (new Set(last).size < pods - 1) say('share', `pods of the last requests: ${last.join()}`);
}

/** What a burst has needed has no successors when its time is over. On a busy machine it may outlast its connections. */
function judgeAged(scenario: Scenario, { ledger, outcomes }: Play, say: Say): void {
  const needed = callsOf(scenario).length;
  const slowest = Math.max(...Array.from(outcomes.values(), ({ took }) => took));
  const generations = Math.floor(slowest / (scenario.own.maxConnectionDuration as number));
  if (ledger.wires.length > needed * (1.5 + generations)) {
    say(
      'storm',
      `${ledger.wires.length} connections for ${needed} requests, which took up to ${Math.round(slowest)} ms`,
    );
  }
}

/** What a peer gives back is served, and does not wait for what it finishes. */
function judgeLeaving(scenario: Scenario, ours: Play, say: Say): void {
  judgeGivenBack(ours, say);
  // What is given back several times needs as many connections, each of which takes a few turns: seed 950000013, only
  // while other processes had the machine.
  if (ours.lag > LATE) return;
  const took = { long: Number.POSITIVE_INFINITY, short: 0 };
  for (const { id, replies } of callsOf(scenario)) {
    const own = ours.outcomes.get(id);
    if (own === undefined || own.settled === 0) continue;
    if (replies[0]!.delay === LONG) took.long = Math.min(took.long, own.took);
    else took.short = Math.max(took.short, own.took);
  }
  if (took.short > took.long - 500)
    say(
      'slow',
      `${Math.round(took.short)} ms for what is given back, ${Math.round(took.long)} for what goes on`,
    );
}

/** A peer that did not look at a request says so, as often as this is: it is served in the end, be it by stock or not. */
function judgeGivenBack({ outcomes, ledger }: Play, say: Say): void {
  for (const [id, { served, error }] of outcomes) {
    const isGivenBack = ledger.attempts.get(id)?.every(({ refused }) => refused);
    if (!served && isGivenBack) say('unserved', `call ${id} was given back: ${error}`);
  }
}

/** Each call ends, and not with its agent. */
function judgeSending({ outcomes }: Play, say: Say): void {
  const left = [...outcomes].filter(([, { settled, error }]) => settled === 0 || error.includes('DESTROYED'));
  if (left.length > 0) say('unsettled', `calls ${left.map(([id]) => id).join()} never ended`);
}

/** No more requests are lost than with stock, which has a new connection for each that waits. */
function judgeUnkept(stock: Play, ours: Play, say: Say): void {
  const [before, now] = [stock, ours].map(
    ({ outcomes }) => [...outcomes.values()].filter(({ served }) => !served).length,
  ) as [number, number];
  if (now > before)
    say('unserved', `${now} of ${ours.outcomes.size} are lost, ${before} with stock, to servers that end`);
}

/** A pod that sends what nobody has asked for gets nothing more soon: each of its connections ends with that. */
function judgeDouble({ server }: Scenario, { ledger }: Play, say: Say): void {
  const made = ledger.wires.filter(({ pod }) => pod === server.doublePod).length;
  if (made > MOST_DOUBLE) say('storm', `${made} connections to a pod that sends its responses twice`);
}

/** What can't be sent again is not sent on a connection that is about to end, where others have ended. */
function judgeEnding(scenario: Scenario, { ledger, lag }: Play, say: Say): void {
  if (lag > NEAR_END) return;
  const once = new Set(callsOf(scenario).flatMap(({ id, method }) => (method === 'POST' ? [id] : [])));
  for (const { writes, answers } of ledger.wires) {
    for (const { call, at } of writes) {
      const idle = at - (answers.findLast((answer) => answer < at) ?? at);
      if (once.has(call) && idle > ENDING - NEAR_END)
        say('crossed', `call ${call} was sent when its connection had idled for ${Math.round(idle)} ms`);
    }
  }
}
