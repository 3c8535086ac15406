import { HealthRecord, type Standing } from './health-record.ts';

/** What health sees of an endpoint. */
export interface Suspect {
  readonly address: string;
  readonly inFlight: number;
  /** Requests and dials that have ended, well or not, but for those that their callers gave up. */
  readonly judged: number;
  /** Its last dial failed, and nothing is connected. */
  readonly isUnreachable: boolean;
  /** `undefined` to begin with; nobody but health writes it. */
  health: HealthRecord | undefined;
}

export interface StandingsSettings {
  /** Of the endpoints. */
  readonly maxEjectionPercent: number;
  readonly panicThreshold: number;
}

/** What standings tell health, and ask of it. */
export interface StandingsOwner<S> {
  /** How many endpoints there are. */
  readonly population: number;
  /** Whether so many failures in a row are as many as would eject it. */
  fails(health: HealthRecord): boolean;
  /** Whether the endpoint may be picked, or is fit to serve, has changed; not by its dials. */
  onHealthChanged(endpoint: S): void;
}

/**
 * How the endpoints of a service stand. Those that are ejected or paused are passed over: no more than a share of all,
 * whatever the reason, and none while so few are left that they can't be expected to carry the rest.
 */
export class Standings<S extends Suspect> {
  /** How many of those that are out fail their health checks. */
  ailing = 0;
  readonly #owner: StandingsOwner<S>;
  readonly #settings: StandingsSettings;
  readonly #out = new Set<S>();
  readonly #onTrial = new Set<S>();
  #failing = 0;
  #unreachable = 0;
  /** Those that are out serve as well. */
  #panic = false;
  /** Those on trial are all that is left, and serve like any. */
  #needsTrials = false;

  constructor(owner: StandingsOwner<S>, settings: StandingsSettings) {
    this.#owner = owner;
    this.#settings = settings;
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

  /** Whether an endpoint may be picked now. */
  allows({ health, inFlight }: S): boolean {
    if (health === undefined || this.#panic) return true;
    if (health.standing === 'on-trial') return inFlight === 0 || this.#needsTrials;
    return health.standing !== 'out';
  }

  /** Whether one more may be out: one always; more as long as their share isn't above what is allowed. */
  get hasPlace(): boolean {
    const count = this.#out.size - this.ailing;
    return count === 0 || (count + 1) * 100 <= this.#settings.maxEjectionPercent * this.#owner.population;
  }

  /** Something about an endpoint has changed that decides how it stands. Whether it stands otherwise now. */
  review(endpoint: S): boolean {
    if (endpoint.health === undefined && !endpoint.isUnreachable) return false;
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    const { standing: before } = health;
    const standing = this.#standingOf(endpoint, health);
    if (standing === 'fit' && isClean(health)) endpoint.health = undefined;
    if (standing === before) return false;
    health.standing = standing;
    this.#count(endpoint, before, standing);
    this.weigh();
    const isByDials = [before, standing].every((name) => name === 'fit' || name === 'unreachable');
    if (!isByDials) this.#owner.onHealthChanged(endpoint);
    return true;
  }

  /** The set of endpoints has changed, or how they stand. */
  weigh(): void {
    const serving = this.#owner.population - this.#out.size - this.#unreachable;
    const panic = this.#isPanic(serving);
    const needsTrials = serving - this.#onTrial.size <= this.#failing;
    if (panic !== this.#panic) {
      this.#panic = panic;
      for (const endpoint of this.#out) this.#owner.onHealthChanged(endpoint);
    }
    if (needsTrials !== this.#needsTrials) {
      this.#needsTrials = needsTrials;
      for (const endpoint of this.#onTrial) this.#owner.onHealthChanged(endpoint);
    }
  }

  /** Forgets an endpoint that has left, and that is neither ejected nor paused any more. */
  forget(endpoint: S, { standing }: HealthRecord): void {
    if (standing === 'fit') return;
    this.#count(endpoint, standing, 'fit');
    this.weigh();
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
    if (this.#owner.fails(health)) return 'failing';
    return health.onProbation ? 'on-trial' : 'fit';
  }

  /**
   * Those that fail serve all the same, so that fewer of them would not be left without the others: they matter when
   * nothing better is left at all.
   */
  #isPanic(serving: number): boolean {
    const { panicThreshold } = this.#settings;
    if (serving * 100 < panicThreshold * this.#owner.population) return true;
    return panicThreshold > 0 && serving <= this.#failing;
  }
}

/** Whether there is nothing in a record, but for what an endpoint has counted itself. */
function isClean({ failures, ejections, onProbation, limited }: HealthRecord): boolean {
  return failures === 0 && ejections === 0 && !onProbation && limited === 0;
}
