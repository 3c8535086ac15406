// What is played, as data: made of a seed, made smaller, and played again. Times are in milliseconds from the start.
import type { BalancedAgentOptions } from '../../src/config/options.ts';

/** What a pod does with a call, but for what it is asked to do by what happens to it. */
export type Reaction =
  | 'answer'
  /** Nothing ever comes. */
  | 'hang'
  /** The connection breaks, before a response or in the midst of it. */
  | 'break'
  | 'break-begun'
  /** HTTP/2: the stream is refused, or reset. */
  | 'refuse'
  | 'reset-stream'
  /** HTTP/2: a GOAWAY gives back what has not been answered. */
  | 'go-away'
  /** HTTP/1.1: answers, and closes. */
  | 'answer-close'
  /** HTTP/1.1: the same, and has not said so. */
  | 'answer-end'
  | '500'
  | '503'
  /** With a Retry-After of a second. */
  | '503-later'
  | '429-later'
  /** As slowly as ten. */
  | 'slow';

export interface PodPlan {
  /** Milliseconds that it takes for a call, as a mean: for some exponential, for others always the same. */
  readonly work: number;
  readonly even: boolean;
  /** Milliseconds from here to there. */
  readonly network: number;
  /** Milliseconds for a dial beyond that. */
  readonly handshake: number;
  /** Calls at a time, behind which others wait; 0: any number. */
  readonly workers: number;
  /** Milliseconds after which it closes idle connections; 0: never. */
  readonly keepAlive: number;
  /** Whether it says so; it may say something else. */
  readonly hint: number | undefined;
  /** HTTP/2: streams that a connection may carry, and milliseconds after which it says so; Infinity is never. */
  readonly streams: number;
  readonly settingsAfter: number | 'never';
  /** The share of calls that meet something else than an answer, and what. */
  readonly faults: number;
  readonly reactions: readonly Reaction[];
  readonly zone: string | undefined;
  readonly weight: number | undefined;
  /** Its responses say which pod it is. */
  readonly named: boolean;
  /** They say another name each time, or the one that others say. */
  readonly lies: 'each time' | 'as others' | undefined;
}

/** Something that happens to a pod, or to all. */
export type Happening =
  /** It ends: connections break, and dials are refused. */
  | { readonly at: number; readonly pod: number; readonly what: 'die' | 'restart' | 'revive' }
  /** It is there, and does nothing; its kernel does. */
  | { readonly at: number; readonly pod: number; readonly what: 'freeze' | 'thaw' }
  /** Nothing comes from it, nor to it. */
  | { readonly at: number; readonly pod: number; readonly what: 'cut-off' | 'reconnect' }
  /** It takes no new connections, and those that there are live. */
  | {
      readonly at: number;
      readonly pod: number;
      readonly what: 'refuse-dials' | 'ignore-dials' | 'take-dials';
    }
  /** HTTP/2: it says GOAWAY on all connections. HTTP/1.1: it closes those that are idle. */
  | { readonly at: number; readonly pod: number; readonly what: 'go-away' }
  /** It answers all calls so, until it is told otherwise. */
  | {
      readonly at: number;
      readonly pod: number;
      readonly what: 'react';
      readonly reaction: Reaction | undefined;
    }
  /** Its connections are reset, and this process isn't told. */
  | { readonly at: number; readonly pod: number; readonly what: 'lose' }
  /** This process stands still for so long, or the clock jumps and the world does not. */
  | { readonly at: number; readonly what: 'stand-still' | 'jump'; readonly for: number };

/** What discovery says at a time. */
export type DiscoveryStep =
  | {
      readonly at: number;
      readonly pods: readonly number[];
      readonly withdrawn?: boolean;
      readonly validFor?: number;
      /** A virtual IP, behind which are these pods. */
      readonly virtual?: boolean;
      readonly passive?: boolean;
      /** News come by themselves. */
      readonly pushed?: boolean;
      /** When nothing can be reached, the same is said once more soon. */
      readonly relents?: boolean;
      /** Each pod has an id of its own, which changes with this number. */
      readonly generation?: number;
    }
  | { readonly at: number; readonly error: string }
  /** The resolver throws, or is over. */
  | { readonly at: number; readonly ends: 'throws' | 'returns' };

/** Who calls, and how. */
export interface Load {
  /** Tells it from the others, and its calls from theirs. */
  readonly name: number;
  readonly kind: 'open' | 'closed' | 'burst' | 'trickle';
  readonly from: number;
  readonly to: number;
  /** Calls a second; workers; calls at once; milliseconds from one to the next. */
  readonly size: number;
  /** Milliseconds between two bursts, or those that a worker waits. */
  readonly pause: number;
  /** Calls begin in timers, rather than where something has come in. */
  readonly byTimer: boolean;
  /** Shares of calls that may not be repeated, that last, that have a key, and that nobody waits for after some time. */
  readonly unrepeatable: number;
  readonly lasting: number;
  readonly keyed: number;
  readonly keys: number;
  readonly impatient: number;
  /** Milliseconds that those wait at most. */
  readonly patience: number;
  /** They give up without an error for a time-out: nobody knows why. */
  readonly untold?: boolean;
  /** Calls that are left out, by their numbers. */
  readonly without?: readonly number[];
}

/** An agent of node:http. */
export interface AgentPlan {
  /** Whether only evenkeel sends its requests; otherwise it is one of Node's, whose requests evenkeel takes. */
  readonly balanced: boolean;
  /** Its options; 0: none. */
  readonly maxSockets: number;
  readonly maxTotalSockets: number;
  /** In milliseconds. */
  readonly timeout: number;
}

export interface Scenario {
  readonly seed: number;
  /** What it is about: see themes.ts. */
  readonly theme: string;
  readonly options: BalancedAgentOptions;
  readonly multiplexes: boolean;
  /**
   * HTTP/1.1, by node:http: a pod closes what is idle for all that it knows, be a call on its way or not. One whose connection
   * was used before, and ends just as it was sent, is sent again beside the budget.
   */
  readonly crosses?: boolean;
  /** Calls are requests of node:http, which these agents share, on sockets in memory. */
  readonly agents?: readonly AgentPlan[];
  /** HTTP/2, by connect-node: the first calls of all wait for more than one wire, as cold-start.ts has it. */
  readonly sessions?: boolean;
  /** Where the client is. */
  readonly zone?: string;
  readonly pods: readonly PodPlan[];
  readonly discovery: readonly DiscoveryStep[];
  readonly happenings: readonly Happening[];
  readonly loads: readonly Load[];
  /** How it ends: when the service is closed, destroyed, or left alone until nothing is left to happen. */
  readonly end: { readonly at: number; readonly how: 'close' | 'destroy' | 'rest' };
  /** Pods are alike, and the load is steady from then on: shares are looked at. */
  readonly sharesFrom?: number;
  /** From then on, all calls to the first pod hang, and their callers give them up: it gets few. */
  readonly hangsFrom?: number;
  /** From then on, pods that hung have answered for a while: none gets less than its share for that. */
  readonly answersFrom?: number;
  /** A client that connects for each call has all of them served. */
  readonly servesAll?: boolean;
}
