// Plays scenario after scenario, several at once, and tells how it goes.

import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from './generate.ts';
import { play } from './play.ts';
import { tellRace, watchWaits } from './races.ts';
import { callsOf, type Protocol, type Scenario, type Transport } from './scenario.ts';
import { shrink } from './shrink.ts';
import { storyOf } from './story.ts';
import { type Finding, judge, type Kind, racesOf } from './verdicts.ts';

export interface CampaignOptions {
  /** One scenario, to be replayed; none: seeds from `from` on. */
  readonly seed: number | undefined;
  /** None: one by chance. */
  readonly from: number | undefined;
  readonly seconds: number | undefined;
  readonly requests: number | undefined;
  readonly seeds: number | undefined;
  readonly protocol: Protocol | undefined;
  /** None: undici, but where no protocol is chosen either, node:http for one seed in four. */
  readonly transport: Transport | undefined;
  /** What is looked for; none: everything. */
  readonly kinds: readonly Kind[] | undefined;
  /** What all scenarios have: see generate(). */
  readonly focus: readonly string[];
  readonly parallel: number;
  readonly trace: boolean;
  readonly print: boolean;
  /** Whether each race with the end of a connection is told that one client alone lost. */
  readonly tellsRaces: boolean;
  readonly stopsAtFirst: boolean;
  /** A file with a scenario to play, in the place of one made of a seed. */
  readonly replay: string | undefined;
  /** Whether what is found is made smaller. */
  readonly shrinks: boolean;
  /** The call that a trace is about; none: all. */
  readonly call: number | undefined;
}

/** Replays of a scenario in which something was found, and how many of them must show it again. */
const REPLAYS = 4;
const ENOUGH = 3;
/** Races that may be lost by chance. */
const RACES = 40;
/** Findings that are made smaller, and milliseconds for each. */
const SHRUNK = 3;
const SHRINK_TIME = 60_000;
/** Plays of each candidate. */
const SHRINK_PLAYS = 6;

export interface Confirmed {
  readonly scenario: Scenario;
  readonly finding: Finding;
  /** In so many of the replays. */
  readonly seen: number;
}

export class Campaign {
  readonly #options: CampaignOptions;
  readonly #confirmed: Confirmed[] = [];
  readonly #doubtful: Confirmed[] = [];
  readonly #startedAt = performance.now();
  readonly #uncaught = new Map<string, number>();
  readonly #blamed = new Set<string>();
  /** Enough has been found. */
  readonly #stopped = Promise.withResolvers<void>();
  /** Requests that one client alone lost in a race with the end of a connection. */
  #lostByStock = 0;
  #lostByOurs = 0;
  #requests = 0;
  #served = 0;
  #seeds = 0;
  #next: number;
  #toldAt = 0;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#next = options.seed ?? options.from ?? Math.floor(Math.random() * 1e9);
  }

  async run(): Promise<number> {
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event as 'uncaughtException', (error) => this.#onUncaught(error));
    }
    const { seed, parallel, tellsRaces } = this.#options;
    if (tellsRaces) watchWaits();
    console.log(this.#options.replay ?? `first seed: ${this.#next}`);
    const single =
      (seed !== undefined || this.#options.replay !== undefined) &&
      this.#options.seeds === undefined &&
      this.#options.seconds === undefined;
    const lanes = single ? 1 : parallel;
    if (single && this.#options.print) console.log(JSON.stringify(this.#scenario(this.#next), null, 1));
    await Promise.race([
      Promise.all(Array.from({ length: lanes }, () => this.#lane(single))),
      this.#stopped.promise,
    ]);
    this.#tell(true);
    if (this.#options.shrinks) await this.#shrink();
    for (const { finding, scenario, seen } of this.#confirmed) {
      console.log(
        `\nseed ${scenario.seed} (${nameOf(scenario)}), call ${finding.call}: ${finding.kind} [${seen} of ${REPLAYS + 1}]\n  ${finding.text}`,
      );
    }
    if (this.#doubtful.length > 0) {
      console.log(`\nnot confirmed: ${this.#doubtful.length}`);
      for (const { finding, scenario } of this.#doubtful)
        console.log(
          `  seed ${scenario.seed} (${nameOf(scenario)}): ${finding.kind}, call ${finding.call}: ${finding.text.slice(0, 300)}`,
        );
    }
    for (const text of this.#blamed) console.log(`\nuncaught (${this.#uncaught.get(text)} times): ${text}`);
    const others = this.#uncaught.size - this.#blamed.size;
    if (others > 0) console.log(`\n${others} kinds of uncaught errors of undici, Node and callers`);
    if (this.#requests === 0) console.log('\nnothing was played');
    console.log(
      `\nlost in a race with the end of a connection: ${this.#lostByStock} by stock alone, ${this.#lostByOurs} by ours alone`,
    );
    const losesMore = this.#options.kinds === undefined && this.#lostByOurs > 2 * this.#lostByStock + RACES;
    if (losesMore) console.log('that is too many');
    return losesMore ||
      this.#confirmed.length + this.#blamed.size > 0 ||
      this.#requests === 0 ||
      this.#served === 0
      ? 1
      : 0;
  }

  /** Nobody knows whose it is, but for what its stack tells: a mistake of ours begins in our code. */
  #onUncaught(error: unknown): void {
    const { name, stack } = error instanceof Error ? error : new Error(String(error));
    const [, first = ''] = String(stack).match(/\n +at (.*)/) ?? [];
    const ours = /^(Type|Range|Reference|Assertion)Error/.test(name) && /\/(src|test)\//.test(first);
    const text = `${String(stack).split('\n').slice(0, 4).join('\n')}`;
    this.#uncaught.set(text, (this.#uncaught.get(text) ?? 0) + 1);
    if (!ours) return;
    this.#blamed.add(text);
    if (this.#options.stopsAtFirst) this.#stopped.resolve();
  }

  get #done(): boolean {
    const { seconds, requests, seeds, stopsAtFirst } = this.#options;
    if (stopsAtFirst && this.#confirmed.length + this.#blamed.size > 0) return true;
    if (seeds !== undefined && this.#seeds >= seeds) return true;
    if (requests !== undefined && this.#requests >= requests) return true;
    const limit = seconds ?? (requests === undefined && seeds === undefined ? 60 : Number.POSITIVE_INFINITY);
    return performance.now() - this.#startedAt > limit * 1_000;
  }

  async #lane(single: boolean): Promise<void> {
    do {
      const seed = this.#next++;
      await this.#try(this.#scenario(seed));
      this.#seeds++;
      this.#tell(false);
    } while (!single && !this.#done);
  }

  #scenario(seed: number): Scenario {
    const {
      replay,
      protocol,
      focus,
      transport = protocol === undefined && seed % 4 === 3 ? 'http' : 'undici',
    } = this.#options;
    return replay === undefined
      ? generate(seed, protocol, focus, transport)
      : (JSON.parse(readFileSync(replay, 'utf8')) as Scenario);
  }

  /** Writes down the smallest scenarios that show the first findings. */
  async #shrink(): Promise<void> {
    for (const { scenario, finding } of this.#confirmed.slice(0, SHRUNK)) {
      const until = performance.now() + SHRINK_TIME;
      const small = await shrink(
        scenario,
        (candidate) => this.#shows(candidate, finding),
        () => performance.now() > until,
      );
      const file = join(tmpdir(), `evenkeel-fuzz-${scenario.seed}-${finding.call}.json`);
      writeFileSync(file, JSON.stringify(small, null, 1));
      const left = callsOf(small).length;
      console.log(
        `seed ${scenario.seed}, call ${finding.call}: ${callsOf(scenario).length} calls made ${left}: --replay ${file} --trace`,
      );
    }
  }

  /**
   * Whether a scenario shows a finding: what is certain at once, the rest twice in some plays. These run all at once,
   * for what time brings about may need a busy process.
   */
  async #shows(scenario: Scenario, finding: Finding): Promise<boolean> {
    const plays = Array.from({ length: finding.certain ? 1 : SHRINK_PLAYS }, () => this.#once(scenario));
    const shown = (await Promise.all(plays)).filter((found) =>
      found.some((other) => keyOf(other) === keyOf(finding)),
    );
    return shown.length >= (finding.certain ? 1 : 2);
  }

  async #try(scenario: Scenario): Promise<void> {
    this.#requests += callsOf(scenario).length;
    const findings = await this.#once(scenario);
    if (findings.length === 0) return;
    if (this.#options.trace) {
      for (const finding of findings) this.#confirmed.push({ scenario, finding, seen: 1 });
      return;
    }
    const seen = new Map<string, { finding: Finding; times: number }>();
    const note = (finding: Finding) => {
      const key = keyOf(finding);
      const entry = seen.get(key);
      if (entry === undefined) seen.set(key, { finding, times: 1 });
      else entry.times++;
    };
    for (const finding of unique(findings)) note(finding);
    for (const finding of unique(findings)) if (finding.certain) this.#confirm(scenario, finding, 1);
    const isShown = () =>
      this.#options.stopsAtFirst && [...seen.values()].some(({ times }) => times >= ENOUGH);
    // Until nothing can be shown any more.
    for (
      let n = 1;
      n <= REPLAYS &&
      !isShown() &&
      [...seen.values()].some(({ finding, times }) => isOpen(finding, times, n));
      n++
    ) {
      for (const finding of unique(await this.#once(scenario))) note(finding);
    }
    for (const { finding, times } of seen.values()) {
      if (finding.certain && findings.includes(finding)) continue;
      if (finding.certain || times >= ENOUGH) this.#confirm(scenario, finding, times);
      else this.#doubtful.push({ scenario, finding, seen: times });
    }
  }

  #confirm(scenario: Scenario, finding: Finding, seen: number): void {
    this.#confirmed.push({ scenario, finding, seen });
    if (!this.#options.stopsAtFirst)
      console.log(`found: seed ${scenario.seed}, call ${finding.call}: ${finding.kind}`);
    if (this.#options.stopsAtFirst) this.#stopped.resolve();
  }

  async #once(scenario: Scenario): Promise<Finding[]> {
    const [stock, ours] = await Promise.all([play(scenario, 'stock'), play(scenario, 'ours')]);
    for (const { served } of stock.outcomes.values()) if (served) this.#served++;
    if (this.#options.trace) {
      for (const play of [stock, ours])
        console.log(`\n--- ${play.client}\n${storyOf(scenario, play, this.#options.call)}`);
    }
    const { kinds, tellsRaces } = this.#options;
    for (const race of racesOf(scenario, stock, ours)) {
      if (race.lostBy === 'stock') this.#lostByStock++;
      else this.#lostByOurs++;
      if (tellsRaces) console.log(tellRace(scenario, race, stock, ours));
    }
    return judge(scenario, stock, ours).filter(({ kind }) => kinds?.includes(kind) ?? true);
  }

  #tell(last: boolean): void {
    const now = performance.now();
    if (!last && now - this.#toldAt < 5_000) return;
    this.#toldAt = now;
    const seconds = (now - this.#startedAt) / 1_000;
    const rate = Math.round(this.#requests / seconds);
    console.log(
      `${Math.round(seconds)} s: ${this.#seeds} seeds, ${this.#requests} requests (${rate}/s), ${this.#served} served by stock, ${this.#confirmed.length} findings, ${this.#doubtful.length} not confirmed`,
    );
  }
}

/** Whether more plays may confirm what was seen so many times in `plays`. */
function isOpen({ certain }: Finding, times: number, plays: number): boolean {
  return !certain && times < ENOUGH && times + REPLAYS + 1 - plays >= ENOUGH;
}

/** What makes a finding the same: which calls are concerned by what time brings about differs from play to play. */
function keyOf({ kind, call, certain }: Finding): string {
  return certain ? `${kind} ${call}` : kind;
}

function unique(findings: Finding[]): Finding[] {
  return [
    ...new Map(findings.toReversed().map((finding) => [keyOf(finding), finding])).values(),
  ].toReversed();
}

/** How a scenario is chosen again. */
function nameOf({ protocol, transport }: Scenario): string {
  return transport ?? protocol;
}
