import type { Clock } from '../base/clock.ts';
import { HealthRecord, type Standing } from '../endpoints/health-record.ts';
import { EJECTED, FAILING, ON_TRIAL, PAUSED } from '../endpoints/reasons.ts';
import type { OutlierSettings } from './settings.ts';

/** What health sees of an endpoint. */
export interface Suspect {
  readonly address: string;
  readonly origin: string;
  /** Requests and dials that have ended, well or not, but for those that their callers gave up. */
  readonly judged: number;
  /** Its last dial failed, and nothing is connected. */
  readonly isUnreachable: boolean;
  readonly health: HealthRecord | undefined;
  setHealth(health: HealthRecord | undefined): void;
  /** Puts reasons why it may not be picked in the place of those of a mask. */
  setReasons(mask: number, reasons: number): void;
  /** It has such a reason, or has it no more, though that doesn't count at present. */
  onUncounted(reason: number): void;
}

/** The endpoints that health is about. */
export interface Fleet<S> {
  readonly members: ReadonlyMap<string, S>;
}

/** What is held against an endpoint, from now on if nothing was. */
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
 * How the endpoints of a service stand. Those that are ejected or paused are passed over: no more than a share of all,
 * whatever the reason, and none while so few are left that they can't be expected to carry the rest.
 */
export class Standings<S extends Suspect> {
  /** How many of those that are out fail their health checks. */
  ailing = 0;
  readonly #fleet: Fleet<S>;
  readonly #settings: StandingsSettings;
  readonly #clock: Clock;
  readonly #out = new Set<S>();
  readonly #onTrial = new Set<S>();
  #failing = 0;
  #unreachable = 0;
  /** Those that are out serve as well. */
  #panic = false;
  /** Those on trial are all that is left, or all serve: they serve like any. */
  #needsTrials = false;

  constructor(fleet: Fleet<S>, settings: StandingsSettings, clock: Clock) {
    this.#fleet = fleet;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Those that are ejected or paused. */
  get out(): ReadonlySet<S> {
    return this.#out;
  }

  get isPanic(): boolean {
    return this.#panic;
  }

  /** How many endpoints are passed over now. */
  get passedOver(): number {
    return this.#panic ? 0 : this.#out.size;
  }

  /** Whether one more may be out: one always; more as long as their share isn't above what is allowed. */
  get allowsOneMore(): boolean {
    const count = this.#out.size - this.ailing;
    return count === 0 || (count + 1) * 100 <= this.#settings.maxEjectionPercent * this.#population;
  }

  /** Something about an endpoint has changed that decides how it stands. */
  review(endpoint: S): void {
    if (endpoint.health === undefined && !endpoint.isUnreachable) return;
    const health = recordOf(endpoint);
    const { standing: before } = health;
    const standing = this.#standingOf(endpoint, health);
    if (standing === 'fit' && isClean(health)) endpoint.setHealth(undefined);
    if (standing === before) {
      if (standing === 'out') this.#say(endpoint, health);
      return;
    }
    health.standing = standing;
    this.#count(endpoint, before, standing);
    const wasPanic = this.#panic;
    this.reviewPanic();
    this.#say(endpoint, health);
    // In panic it doesn't count for who is picked, but for more than that.
    if (standing === 'out' ? this.#panic : before === 'out' && wasPanic) endpoint.onUncounted(EJECTED);
    // By its last failure, or long after that: it could not be reached, or was paused, until now.
    if (standing === 'failing' && health.failingEnd === undefined) this.#endFailingLater(endpoint, health);
  }

  /** The set of endpoints has changed, or how they stand. */
  reviewPanic(): void {
    const serving = this.#population - this.#out.size - this.#unreachable;
    const panic = this.#isPanic(serving);
    const needsTrials = panic || serving - this.#onTrial.size <= this.#failing;
    const isOtherPanic = panic !== this.#panic;
    const areOtherTrials = needsTrials !== this.#needsTrials;
    this.#panic = panic;
    this.#needsTrials = needsTrials;
    if (isOtherPanic) for (const endpoint of this.#out) this.#say(endpoint, endpoint.health!);
    if (areOtherTrials) for (const endpoint of this.#onTrial) this.#say(endpoint, endpoint.health!);
  }

  /** Forgets an endpoint that has left, and that is neither ejected nor paused any more. */
  forget(endpoint: S, health: HealthRecord): void {
    const { standing } = health;
    if (standing === 'fit') return;
    health.standing = 'fit';
    this.#count(endpoint, standing, 'fit');
    this.reviewPanic();
    this.#say(endpoint, health);
  }

  /** Failures in a row for which an endpoint is ejected. */
  leastRun({ onProbation }: HealthRecord): number {
    return onProbation ? 1 : this.#settings.consecutiveFailures;
  }

  get #population(): number {
    return this.#fleet.members.size;
  }

  /** Says of an endpoint why it may not be picked, as far as that is its standing. */
  #say(endpoint: S, { standing, ejection, pause }: HealthRecord): void {
    let reasons = 0;
    if (standing === 'out' && !this.#panic) {
      if (ejection !== undefined) reasons |= EJECTED;
      if (pause !== undefined) reasons |= PAUSED;
    }
    if (standing === 'on-trial' && !this.#needsTrials) reasons |= ON_TRIAL;
    if (standing === 'failing') reasons |= FAILING;
    endpoint.setReasons(EJECTED | PAUSED | ON_TRIAL | FAILING, reasons);
  }

  /** One that fails and is not ejected may get no requests for that, and would never show that it serves again. */
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
    if (after === 'out') this.#out.add(endpoint);
    else if (after === 'on-trial') this.#onTrial.add(endpoint);
    this.#failing += Number(after === 'failing') - Number(before === 'failing');
    this.#unreachable += Number(after === 'unreachable') - Number(before === 'unreachable');
  }

  #standingOf(endpoint: S, health: HealthRecord): Standing {
    if (health.ejection !== undefined || health.pause !== undefined) return 'out';
    if (endpoint.isUnreachable) return 'unreachable';
    if (health.failures >= this.leastRun(health)) return 'failing';
    return health.onProbation ? 'on-trial' : 'fit';
  }

  /**
   * Those that fail serve all the same, so that fewer of them would not be left without the others: they matter when
   * nothing better is left at all.
   */
  #isPanic(serving: number): boolean {
    const { panicThreshold } = this.#settings;
    if (serving * 100 < panicThreshold * this.#population) return true;
    return panicThreshold > 0 && serving <= this.#failing;
  }
}

/** Whether there is nothing in a record, but for what an endpoint has counted itself. */
function isClean({ failures, ejections, onProbation, limited }: HealthRecord): boolean {
  return failures === 0 && ejections === 0 && !onProbation && limited === 0;
}
