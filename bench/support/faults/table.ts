import { setTimeout as delay } from 'node:timers/promises';
import type { Bar } from '../report.ts';
import type { Pod } from './fleet.ts';
import { failures, type Outcome } from './outcome.ts';
import type { Place } from './place.ts';

/** What a fault has at hand. */
export interface Stage {
  readonly place: Place;
  readonly pods: readonly Pod[];
  /** The pod that suffers, where it is one. */
  readonly victim: Pod;
  /** Says that the fault begins now. */
  begun(): void;
  /** Tells the clients which pods are ready. */
  publish(pods: readonly Pod[]): Promise<void>;
}

/** What must hold of an outcome. */
export interface Demand {
  readonly what: string;
  /** Of a round; of several rounds the worst counts, or the median of what is a matter of time. */
  readonly value: (outcome: Outcome) => number;
  readonly bar: Bar;
  readonly over?: 'worst' | 'median';
}

export interface Fault {
  readonly name: string;
  readonly needsNamespace?: boolean;
  /** Lets it happen for so many seconds; in the end all is well again. */
  play(stage: Stage, seconds: number): Promise<void>;
  readonly demands: readonly Demand[];
}

/** Shares of a service in per cent. */
const FAIR = 20;
/** Milliseconds. */
const RESTART_AFTER = 3_000;
/** From the moment a pod isn't ready any more until it stops: what a preStop hook waits for. */
const GRACE = 1_500;
const SETTLING = 300;

const failed = (method?: 'GET' | 'POST'): Demand => ({
  what: method === undefined ? 'failed requests' : `failed ${method}s`,
  value: (outcome) => failures(outcome.all, method).length,
  bar: { atMost: 0 },
});

export const FAULTS: readonly Fault[] = [
  {
    name: 'killed',
    async play({ victim, begun }, seconds) {
      await victim.kill();
      begun();
      await delay(Math.min(RESTART_AFTER, seconds * 500));
      await victim.start();
      await delay(Math.max(0, seconds * 1_000 - RESTART_AFTER));
    },
    demands: [
      failed('GET'),
      {
        what: 'failed POSTs that came after the kill',
        value: ({ since }) => failures(since, 'POST').length,
        bar: { atMost: 0 },
      },
    ],
  },
  {
    name: 'refused',
    async play({ victim, begun }, seconds) {
      begun();
      await victim.refuse();
      await delay(seconds * 1_000);
      await victim.accept();
    },
    demands: [failed()],
  },
  {
    name: 'dropped',
    needsNamespace: true,
    async play({ place, victim, begun }, seconds) {
      place.losePackets(victim.spec.address, true);
      begun();
      await delay(seconds * 1_000);
      place.losePackets(victim.spec.address, false);
    },
    demands: [
      {
        what: 'failed requests, of those after the drop',
        value: ({ since }) => failures(since).length,
        bar: { atMost: 0 },
      },
      { what: 'p99, as a ratio', value: ({ slowdown }) => slowdown, bar: { atMost: 2 }, over: 'median' },
    ],
  },
  {
    name: '503',
    async play({ victim, begun }, seconds) {
      begun();
      await victim.behave({ answers: '503' });
      await delay(seconds * 1_000);
      await victim.behave({});
    },
    demands: [
      // Ten, and one for the ejection; none is long enough for two in ten seconds.
      { ...failed(), bar: { atMost: 11 } },
      {
        what: 'its share, %',
        value: ({ shares, episode }) => (shares[episode.victim] ?? 0) * 100,
        bar: { atMost: FAIR },
      },
    ],
  },
  {
    name: 'hangs',
    async play({ victim, begun }, seconds) {
      begun();
      await victim.behave({ answers: 'never' });
      await delay(seconds * 1_000);
      await victim.behave({});
    },
    demands: [
      {
        what: 'stuck, over the in-flight minimum',
        value: ({ stuck, inFlightMinimum }) => stuck - inFlightMinimum,
        bar: { atMost: 1 },
      },
      {
        what: 'p99 of the others, as a ratio',
        value: ({ slowdown }) => slowdown,
        bar: { atMost: 1.5 },
        over: 'median',
      },
    ],
  },
  {
    name: 'slow',
    async play({ victim, begun }, seconds) {
      begun();
      await victim.behave({ work: 100 });
      await delay(seconds * 1_000);
      await victim.behave({});
    },
    demands: [
      failed(),
      {
        what: 'its share, %',
        value: ({ shares, episode }) => (shares[episode.victim] ?? 0) * 100,
        bar: { atMost: FAIR / 2 },
      },
    ],
  },
  {
    name: 'idle-close',
    async play({ pods, begun }, seconds) {
      begun();
      await Promise.all(pods.map((pod) => pod.behave({ idleTimeout: 50 })));
      await delay(seconds * 1_000);
      await Promise.all(pods.map((pod) => pod.behave({})));
    },
    demands: [
      failed('GET'),
      {
        what: 'failed POSTs, %',
        value: ({ during }) =>
          (failures(during, 'POST').length * 100) / during.filter(({ method }) => method === 'POST').length,
        bar: { atMost: 0.2 },
      },
    ],
  },
  {
    name: 'rolling',
    async play({ pods, publish, begun }) {
      begun();
      for (const pod of pods) {
        await pod.behave({ ready: false });
        await publish(pods.filter((other) => other !== pod));
        await delay(GRACE);
        await pod.stop();
        await pod.start();
        await publish(pods);
        await delay(SETTLING);
      }
    },
    demands: [failed()],
  },
  {
    name: 'all-503',
    async play({ pods, begun }, seconds) {
      begun();
      await Promise.all(pods.map((pod) => pod.behave({ answers: '503' })));
      await delay(seconds * 1_000);
      await Promise.all(pods.map((pod) => pod.behave({})));
    },
    demands: [
      {
        what: 'pods that were tried',
        value: ({ episode }) => episode.attempts.filter((count) => count > 0).length,
        bar: { atLeast: 5 },
      },
      {
        what: 'attempts added, %',
        value: ({ during, episode }) =>
          (episode.attempts.reduce((sum, count) => sum + count, 0) / during.length - 1) * 100,
        bar: { atMost: 20 },
      },
    ],
  },
];
