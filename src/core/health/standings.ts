import type { Clock } from '../base/clock.ts';
import { HealthRecord, type Standing } from '../endpoints/health-record.ts';
import { EJECTED, FAILING, HEALTH, ON_TRIAL, PAUSED, SILENT } from '../endpoints/reasons.ts';
import type { OutlierSettings } from './settings.ts';

/** An endpoint, as health sees it. */
export interface Suspect {
  readonly address: string;
  readonly origin: string;
  /** How many requests and dials have ended, without those that their callers gave up. */
  readonly judged: number;
  /** Whether its last dial failed, and it has no connection. */
  readonly isUnreachable: boolean;
  readonly health: HealthRecord | undefined;
  setHealth(health: HealthRecord | undefined): void;
  /** Replaces its reasons within `mask`. */
  setReasons(mask: number, reasons: number): void;
  /** A reason applies or no longer applies, but has no effect at present. Only listeners are told. */
  onUncounted(reason: number): void;
}

/** The endpoints that health is about. */
export interface Suspects<S> {
  readonly members: ReadonlyMap<string, S>;
}

/** The health record of an endpoint. Makes one if there is none. */
export function recordOf(endpoint: Suspect): HealthRecord {
  let { health } = endpoint;
  if (health === undefined) {
    health = new HealthRecord();
    endpoint.setHealth(health);
  }
  return health;
}

export type StandingsSettings = Pick<
  OutlierSettings,
  'baseEjectionTime' | 'consecutiveFailures' | 'maxEjectionPercent' | 'panicThreshold'
>;

/**
 * How the endpoints of a service stand. Ejected and paused endpoints get no requests. But no more than a share of all
 * may be out; and if so few are left that they would be overloaded, all get requests (panic).
 */
export class Standings<S extends Suspect> {
  /** How many endpoints that are out fail their health checks. */
  ailing = 0;
  readonly #suspects: Suspects<S>;
  readonly #settings: StandingsSettings;
  readonly #clock: Clock;
  readonly #out = new Set<S>();
  readonly #onTrial = new Set<S>();
  readonly #silent = new Set<S>();
  #failing = 0;
  #unreachable = 0;
  /** Whether endpoints that are out get requests too. */
  #panic = false;
  /** Whether endpoints on trial serve like all others, because only they are left, or in panic. */
  #needsTrials = false;
  /** Whether silent endpoints serve like all others, because too few would be left without them. */
  #needsSilent = false;

  constructor(suspects: Suspects<S>, settings: StandingsSettings, clock: Clock) {
    this.#suspects = suspects;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** The endpoints that are ejected or paused. */
  get out(): ReadonlySet<S> {
    return this.#out;
  }

  /** The endpoints that answer nothing, and are neither ejected nor paused. */
  get silent(): ReadonlySet<S> {
    return this.#silent;
  }

  get isPanic(): boolean {
    return this.#panic;
  }

  /** How many endpoints get no requests now. */
  get passedOver(): number {
    return this.#panic ? 0 : this.#out.size;
  }

  /** Whether one more endpoint may be out. One always may; more may if their share allows it. */
  get allowsOneMore(): boolean {
    const count = this.#out.size - this.ailing;
    return count === 0 || (count + 1) * 100 <= this.#settings.maxEjectionPercent * this.#population();
  }

  /** Decides again how an endpoint stands, after something about it has changed. */
  review(endpoint: S): void {
    if (endpoint.health === undefined && !endpoint.isUnreachable) return;
    const health = recordOf(endpoint);
    const { standing: before } = health;
    const standing = this.#standingOf(endpoint, health);
    if (standing === 'fit' && isClean(health)) endpoint.setHealth(undefined);
    if (standing === before) {
      if (standing === 'out' || standing === 'silent') this.#say(endpoint, health);
      return;
    }
    health.standing = standing;
    this.#count(endpoint, before, standing);
    const wasPanic = this.#panic;
    this.reviewPanic();
    this.#say(endpoint, health);
    // In panic, the reason `EJECTED` isn't set, but listeners want to know of it.
    if (standing === 'out' ? this.#panic : before === 'out' && wasPanic) endpoint.onUncounted(EJECTED);
    // It may have failed long ago, and been unreachable or paused until now.
    if (standing === 'failing' && health.failingEnd === undefined) this.#endFailingLater(endpoint, health);
  }

  /** Decides again whether there is panic, after the set or the standings have changed. */
  reviewPanic(): void {
    const serving = this.#population() - this.#out.size - this.#unreachable;
    const panic = this.#isPanic(serving);
    const answering = serving - this.#silent.size;
    const needsSilent = this.#isPanic(answering) || this.#needTrials(answering);
    const needsTrials = panic || this.#needTrials(needsSilent ? serving : answering);
    const isOtherPanic = panic !== this.#panic;
    const areOtherTrials = needsTrials !== this.#needsTrials;
    const areOtherSilent = needsSilent !== this.#needsSilent;
    this.#panic = panic;
    this.#needsTrials = needsTrials;
    this.#needsSilent = needsSilent;
    if (isOtherPanic) for (const endpoint of this.#out) this.#say(endpoint, endpoint.health!);
    if (areOtherTrials) for (const endpoint of this.#onTrial) this.#say(endpoint, endpoint.health!);
    if (areOtherSilent) for (const endpoint of this.#silent) this.#say(endpoint, endpoint.health!);
  }

  /** An endpoint answers nothing, and rests or is asked; or `undefined`: it has answered. */
  setSilence(endpoint: S, silence: HealthRecord['silence']): void {
    if (silence === endpoint.health?.silence) return;
    recordOf(endpoint).silence = silence;
    this.review(endpoint);
  }

  /** Forgets an endpoint that has left, and is no longer ejected or paused. */
  forget(endpoint: S, health: HealthRecord): void {
    const { standing } = health;
    if (standing === 'fit') return;
    health.standing = 'fit';
    this.#count(endpoint, standing, 'fit');
    this.reviewPanic();
    this.#say(endpoint, health);
  }

  /** How many failures in a row eject an endpoint. */
  leastRun({ onProbation }: HealthRecord): number {
    return onProbation ? 1 : this.#settings.consecutiveFailures;
  }

  #population(): number {
    return this.#suspects.members.size;
  }

  /** Sets the reasons of an endpoint that follow from its standing. */
  #say(endpoint: S, { standing, ejection, pause, silence }: HealthRecord): void {
    let reasons = 0;
    if (standing === 'out' && !this.#panic) {
      if (ejection !== undefined) reasons |= EJECTED;
      if (pause !== undefined) reasons |= PAUSED;
    }
    if (standing === 'on-trial' && !this.#needsTrials) reasons |= ON_TRIAL;
    if (standing === 'failing') reasons |= FAILING;
    if (standing === 'silent' && !this.#needsSilent) reasons |= silence === 'asked' ? ON_TRIAL : SILENT;
    endpoint.setReasons(HEALTH, reasons);
  }

  /**
   * An endpoint that fails, and isn't ejected, may get no requests, and could never show that it serves again. So
   * `failing` ends after a while.
   */
  #endFailingLater(endpoint: S, health: HealthRecord): void {
    health.failingEnd = this.#clock.schedule(() => {
      health.failingEnd = undefined;
      health.failures = this.leastRun(health) - 1;
      this.review(endpoint);
    }, this.#settings.baseEjectionTime);
  }

  #count(endpoint: S, before: Standing, after: Standing): void {
    this.#out.delete(endpoint);
    this.#onTrial.delete(endpoint);
    this.#silent.delete(endpoint);
    if (after === 'out') this.#out.add(endpoint);
    else if (after === 'silent') this.#silent.add(endpoint);
    else if (after === 'on-trial') this.#onTrial.add(endpoint);
    this.#failing += Number(after === 'failing') - Number(before === 'failing');
    this.#unreachable += Number(after === 'unreachable') - Number(before === 'unreachable');
  }

  #standingOf(endpoint: S, health: HealthRecord): Standing {
    if (health.ejection !== undefined || health.pause !== undefined) return 'out';
    if (endpoint.isUnreachable) return 'unreachable';
    if (health.failures >= this.leastRun(health)) return 'failing';
    if (health.silence !== undefined) return 'silent';
    return health.onProbation ? 'on-trial' : 'fit';
  }

  /** Whether those that serve without endpoints on trial all fail. */
  #needTrials(serving: number): boolean {
    return serving - this.#onTrial.size <= this.#failing;
  }

  /**
   * Failing endpoints get requests, so they don't count as missing here. They matter only if no better endpoint is
   * left.
   */
  #isPanic(serving: number): boolean {
    const { panicThreshold } = this.#settings;
    if (serving * 100 < panicThreshold * this.#population()) return true;
    return panicThreshold > 0 && serving <= this.#failing;
  }
}

/** Whether a record has nothing in it. */
function isClean({ failures, ejections, onProbation, limited, silence }: HealthRecord): boolean {
  return failures + ejections + limited === 0 && !onProbation && silence === undefined;
}
