// Names that move between domains, or are led to other pods and back, while resolv.conf may be written anew. All in virtual
// time: wherever glibc, which walks the search list for each connection, would find the name, it is soon followed.
import { Resolver } from 'node:dns/promises';
import type { TestContext } from 'node:test';
import { DnsClient } from '../../src/core/discovery/dns/dns-client.ts';
import { dnsResolver } from '../../src/core/discovery/dns/dns-resolver.ts';
import type { Resolution } from '../../src/core/discovery/resolver.ts';
import { type Setup, setUp } from '../core/discovery/dns/setup.ts';
import { Dice } from './dice.ts';
import type { DiscoveryFinding } from './discovery.ts';

/** What scenarios of names may be about. */
export const NAME_THEMES = ['moved name', 'earlier domain', 'search list', 'switched'] as const;

const HOST = 'db';
const CLUSTER = '.cluster.local';
const COMPANY = ['a.example', 'b.example', 'c.example'] as const;
const POD = [
  'prod.svc.cluster.local',
  'svc.cluster.local',
  'cluster.local',
  'a.example',
  'b.example',
] as const;
/** Seconds that a name may be used where it was found, and is, though it is in an earlier domain now. */
const SEARCHED = 60;
/** Seconds that addresses may be used whose name is gone, and nowhere else. */
const HELD = 30;
/** Seconds, besides, after which a question and its answer have come to something. */
const SLACK = 1;

type Edit =
  | { readonly does: 'give'; readonly name: string; readonly addresses: readonly string[] }
  | { readonly does: 'alias'; readonly name: string; readonly target: string }
  | { readonly does: 'take'; readonly name: string }
  | { readonly does: 'search'; readonly domains: readonly string[] };

interface Step {
  readonly edits: readonly Edit[];
  /** How long it is as these have made it. */
  readonly seconds: number;
}

export interface NameScenario {
  readonly seed: number;
  /** Seconds. */
  readonly ttl: number;
  readonly ndots: number;
  readonly search: readonly string[];
  readonly steps: readonly Step[];
}

/** `focus`: one of the themes, or any. */
export function generateNames(seed: number, focus: readonly string[] = []): NameScenario {
  const dice = new Dice(seed);
  const chosen = NAME_THEMES.filter((theme) => focus.includes(theme));
  const theme = dice.pick(chosen.length > 0 ? chosen : NAME_THEMES);
  const inPod = dice.chance(0.4);
  const search = inPod ? POD : COMPANY;
  const common = { seed, ttl: dice.int(1, 5), ndots: inPod ? 5 : 1, search };
  switch (theme) {
    case 'moved name':
      return { ...common, steps: moved(dice, search) };
    case 'earlier domain':
      return { ...common, steps: earlier(dice, search) };
    case 'search list':
      return { ...common, steps: searched(dice, search) };
    case 'switched':
      return { ...common, steps: switched(dice, search) };
  }
}

/** A name is always somewhere, and soon somewhere else; each place has its own pods. */
function moved(dice: Dice, search: readonly string[]): Step[] {
  const places = [...search.map(nameIn), HOST];
  const [one, other] = [dice.pick(places), dice.pick(places)];
  let at = one;
  const steps: Step[] = [{ edits: [give(at, places.indexOf(at))], seconds: dice.int(1, 6) }];
  for (let moves = dice.int(2, 8); moves > 0; moves--) {
    // To and fro between two, or anywhere.
    const next = dice.chance(0.5) ? (at === one ? other : one) : dice.pick(places);
    const left: Edit[] = next === at ? [] : [{ does: 'take', name: at }];
    steps.push({ edits: [...left, give(next, places.indexOf(next))], seconds: dice.int(1, 12) });
    at = next;
  }
  return rested(steps);
}

/** A name is made in a domain before the one in which it is found. */
function earlier(dice: Dice, search: readonly string[]): Step[] {
  const places = [...search.map(nameIn), HOST];
  const late = dice.int(1, places.length - 1);
  const early = dice.int(0, late - 1);
  const steps: Step[] = [
    { edits: [give(places[late]!, late)], seconds: dice.int(1, 70) },
    { edits: [give(places[early]!, early)], seconds: dice.int(60, 80) },
    { edits: [{ does: 'take', name: places[early]! }], seconds: dice.int(1, 20) },
  ];
  return rested(dice.chance(0.5) ? steps : steps.slice(0, 2));
}

/** Another search list. */
function searched(dice: Dice, search: readonly string[]): Step[] {
  const given = search.filter(() => dice.chance(0.7));
  const steps: Step[] = [
    { edits: given.map((domain) => give(nameIn(domain), search.indexOf(domain))), seconds: 3 },
  ];
  for (let edits = dice.int(1, 4); edits > 0; edits--) {
    const some = search.filter(() => dice.chance(0.5));
    const domains = dice.chance(0.3) ? some.toReversed() : some;
    steps.push({ edits: [{ does: 'search', domains }], seconds: dice.int(1, 10) });
  }
  return rested(steps);
}

/** Blue, green, and blue again, as when a release is bad: by addresses, or by an alias. */
function switched(dice: Dice, search: readonly string[]): Step[] {
  const name = nameIn(dice.pick(search));
  const size = dice.int(1, 4);
  const colours = ['blue.example', 'green.example'] as const;
  const lead: (colour: 0 | 1) => Edit = dice.chance(0.5)
    ? (colour) => ({ does: 'alias', name, target: colours[colour] })
    : (colour) => give(name, colour, size);
  const seconds = () => dice.int(1, 12);
  const pods = colours.map((colour, at) => give(colour, at, size));
  return rested([
    { edits: [...pods, lead(0)], seconds: seconds() },
    { edits: [lead(1)], seconds: seconds() },
    { edits: [lead(0)], seconds: seconds() },
  ]);
}

function rested(steps: readonly Step[]): Step[] {
  return [...steps, { edits: [], seconds: SEARCHED + 10 }];
}

function nameIn(domain: string): string {
  return `${HOST}.${domain}`;
}

/** Gives a name pods that no other place has. */
function give(name: string, place: number, pods = 2): Edit {
  return {
    does: 'give',
    name,
    addresses: Array.from({ length: pods }, (_, pod) => `10.0.${place}.${pod + 1}`),
  };
}

/** Knows how many of its questions are open. */
class CountingClient extends DnsClient {
  asking = 0;

  override async ask(...question: Parameters<DnsClient['ask']>): ReturnType<DnsClient['ask']> {
    this.asking++;
    try {
      return await super.ask(...question);
    } finally {
      this.asking--;
    }
  }
}

class NamePlay {
  readonly #scenario: NameScenario;
  readonly #cleanUps: (() => unknown)[] = [];
  /** The little that helpers of tests need of one. */
  readonly #t = { after: (fn: () => unknown) => this.#cleanUps.push(fn) } as unknown as TestContext;
  readonly #stub = new Resolver();
  #search: readonly string[];
  #last: Resolution | undefined;
  /** Where the name was found last. */
  #match: string | undefined;
  /** Seconds for which something else has been right. */
  #wrong = 0;
  #right = '';
  checks = 0;

  constructor(scenario: NameScenario) {
    this.#scenario = scenario;
    this.#search = scenario.search;
  }

  async play(): Promise<DiscoveryFinding[]> {
    try {
      return await this.#play();
    } finally {
      for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp();
    }
  }

  async #play(): Promise<DiscoveryFinding[]> {
    const setup = await setUp(this.#t);
    const { dns, clock, options } = setup;
    this.#stub.setServers([dns.address]);
    const client = new CountingClient(options);
    const settled = async () => {
      for (let quiet = 0; quiet < 3; quiet = client.asking === 0 ? quiet + 1 : 0) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const [first, ...steps] = this.#scenario.steps;
    await this.#edit(setup, [{ does: 'search', domains: this.#search }, ...first!.edits]);
    const end = new AbortController();
    this.#t.after(() => end.abort());
    void this.#follow(
      dnsResolver(options, client)({ hostname: HOST, port: 80, protocol: 'http:' }, end.signal),
    );
    for (const { edits, seconds } of [{ ...first!, edits: [] }, ...steps]) {
      await this.#edit(setup, edits);
      for (let second = 0; second < seconds; second++) {
        clock.advance('1s');
        await settled();
        const finding = await this.#judge(Math.round(clock.now() / 1_000));
        if (finding !== undefined) return [finding];
      }
    }
    return [];
  }

  async #follow(resolutions: AsyncIterable<Resolution>): Promise<void> {
    for await (const resolution of resolutions) {
      // A failure changes nothing, but that of a name of which nothing is known.
      if ('endpoints' in resolution || this.#last === undefined) this.#last = resolution;
      if ('endpoints' in resolution) this.#match = resolution.matchedName ?? this.#match;
    }
  }

  async #edit({ dns, resolvConf }: Setup, edits: readonly Edit[]): Promise<void> {
    const { ttl, ndots } = this.#scenario;
    if (edits.length > 0) this.#wrong = 0;
    for (const edit of edits) {
      if (edit.does === 'give') dns.set(edit.name, edit.addresses, { ttl });
      else if (edit.does === 'alias') dns.setAlias(edit.name, edit.target, { ttl });
      else if (edit.does === 'take') dns.remove(edit.name);
      else {
        this.#search = edit.domains;
        // So that the file has another time, where the kernel's steps are of some milliseconds.
        await new Promise((resolve) => setTimeout(resolve, 10));
        resolvConf(`search ${edit.domains.join(' ') || '.'}\noptions ndots:${ndots}`);
      }
    }
  }

  async #judge(second: number): Promise<DiscoveryFinding | undefined> {
    this.checks++;
    const ours = 'endpoints' in this.#last! ? this.#last.endpoints.map(({ address }) => address).sort() : [];
    const match = this.#match;
    // A name that was in the cluster never leads out of it.
    const isInCluster = match?.endsWith(CLUSTER) === true;
    const names = this.#names.filter((name) => !isInCluster || name.endsWith(CLUSTER));
    // Where it was found it is looked for in the end, though the list hasn't that any more.
    const theirs = await this.#addresses(match === undefined ? names : [...names, match]);
    if (theirs.join() !== this.#right) this.#wrong = 0;
    this.#right = theirs.join();
    if (ours.join() === theirs.join()) this.#wrong = 0;
    else if (++this.#wrong > (await this.#patience(theirs, ours, match))) {
      const kind = ours.length === 0 ? 'unserved' : 'left behind';
      return {
        kind,
        text: `after ${second} s, glibc has [${theirs}], ours [${ours}] of ${match}, for ${this.#wrong} s`,
      };
    }
    return undefined;
  }

  get #names(): string[] {
    return [...this.#search.map(nameIn), HOST];
  }

  /** How many seconds it may take until ours is as theirs. */
  async #patience(
    theirs: readonly string[],
    ours: readonly string[],
    match: string | undefined,
  ): Promise<number> {
    const { ttl } = this.#scenario;
    if (theirs.length === 0) return HELD + ttl + SLACK;
    if (match === undefined || !this.#names.includes(match)) return ttl + SLACK;
    const there = await this.#addresses([match]);
    return there.join() === ours.join() ? SEARCHED + ttl + SLACK : ttl + SLACK;
  }

  /** The addresses of the first of these names that exists, as getaddrinfo of glibc has them. */
  async #addresses(names: readonly string[]): Promise<string[]> {
    for (const name of names) {
      const addresses = await this.#stub.resolve4(name).catch(() => []);
      if (addresses.length > 0) return addresses.sort();
    }
    return [];
  }
}

export async function playNames(
  scenario: NameScenario,
): Promise<{ findings: DiscoveryFinding[]; requests: number }> {
  const play = new NamePlay(scenario);
  return { findings: await play.play(), requests: play.checks };
}
