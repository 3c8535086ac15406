// A play as a story, to be read beside the scenario: what happened, in order.
import type { Play } from './play.ts';
import { callsOf, type Scenario } from './scenario.ts';

/** `about`: the call that it is told about, with its connections; none: all that happened. */
export function storyOf(scenario: Scenario, play: Play, about?: number): string {
  const calls = new Map(callsOf(scenario).map((call) => [call.id, call]));
  const events: [at: number, text: string][] = [];
  const { ledger, outcomes } = play;
  ledger.wires.forEach((wire, n) => {
    events.push([wire.openedAt, `connection ${n} to pod ${wire.pod} opens`]);
    if (wire.harmedAt !== undefined)
      events.push([wire.harmedAt, `pod ${wire.pod} ends connection ${n}: ${wire.harm}`]);
    if (wire.heardAt !== undefined)
      events.push([wire.heardAt, `the client must have noticed that, of connection ${n}`]);
    for (const { call, at } of wire.writes) events.push([at, `call ${call} is written on connection ${n}`]);
    if (wire.closedAt !== undefined) events.push([wire.closedAt, `connection ${n} has closed`]);
  });
  for (const [id, attempts] of ledger.attempts) {
    for (const attempt of attempts) {
      const wire = ledger.wires.indexOf(attempt.wire);
      const fate = [
        attempt.whole ? 'whole' : 'in part',
        attempt.refused && 'refused',
        attempt.broken,
        `answered: ${attempt.answered}`,
      ];
      events.push([
        attempt.at,
        `call ${id} arrives on connection ${wire} (${fate.filter(Boolean).join(', ')})`,
      ]);
      if (attempt.answeredAt !== undefined)
        events.push([attempt.answeredAt, `call ${id} is answered on connection ${wire}`]);
    }
  }
  for (const [id, outcome] of outcomes) {
    const { api, method, body, act, reuse } = calls.get(id)!;
    const does = act === undefined ? '' : `, ${act.do} ${act.reason ?? ''} at ${act.at}`;
    events.push([
      outcome.startedAt,
      `call ${id}: ${method} by ${api}, body: ${body.kind} ${body.size}${reuse ? ', reused objects' : ''}${does}`,
    ]);
    const end = outcome.served ? `served, ${outcome.said}` : `fails: ${outcome.error}`;
    if (outcome.settled > 0)
      events.push([
        outcome.startedAt + outcome.took,
        `call ${id} is over (${outcome.moments.join(' ')}): ${end}`,
      ]);
    else events.push([Number.POSITIVE_INFINITY, `call ${id} never ends (${outcome.moments.join(' ')})`]);
  }
  for (const { saidAt, pods } of play.sets) events.push([saidAt, `the pods are ${pods.join(', ')}`]);
  events.sort(([one], [other]) => one - other);
  const begin = events[0]?.[0] ?? 0;
  const wires = ledger.wires.flatMap(({ writes }, n) =>
    writes.some(({ call }) => call === about) ? [n] : [],
  );
  const names = [`call ${about}`, ...wires.map((n) => `connection ${n}`)];
  const concerns = new RegExp(`^the pods|\\b(${names.join('|')})\\b`);
  const told = about === undefined ? events : events.filter(([, text]) => concerns.test(text));
  const lines = told.map(([at, text]) => `${(at - begin).toFixed(1).padStart(8)}  ${text}`);
  lines.push(
    `          ${scenario.end}(): ${play.ended}; open after it: ${play.leftOpen}; timers: ${play.leftTimers}; ${play.counts}`,
  );
  return lines.join('\n');
}
