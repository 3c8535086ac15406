import type { Clock, Timer } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { Ejection } from '../endpoints/health-record.ts';
import type { Check, Checker } from './checker.ts';
import type { OutlierDetection } from './outlier-detection.ts';
import type { HealthCheckSettings } from './settings.ts';

/** At least so often in an interval, evenkeel looks which checks are due. */
const LOOKS = 10;
/** At most so many milliseconds pass from one look to the next. */
const LONGEST_STEP = 1_000;
/** By which part an interval is shorter or longer at most, at random. */
const JITTER = 0.1;

export interface HealthChecksOptions<E extends Endpoint> {
  settings: HealthCheckSettings;
  set: EndpointSet<E>;
  outliers: OutlierDetection<E>;
  checker: Checker;
  demand: Demand;
  clock: Clock;
  random: () => number;
}

/** The checks of one endpoint. */
class Course {
  dueAt: number;
  check: Check | undefined = undefined;
  /** How many checks failed in a row. */
  failed = 0;
  /** How many checks passed in a row during this ejection. */
  passed = 0;
  ejection: Ejection | undefined = undefined;

  constructor(dueAt: number) {
    this.dueAt = dueAt;
  }
}

/** Checks the endpoints that are in use or ejected, each at its own time, while the service is in use. */
export class HealthChecks<E extends Endpoint> {
  readonly #settings: HealthCheckSettings;
  readonly #set: EndpointSet<E>;
  readonly #outliers: OutlierDetection<E>;
  readonly #checker: Checker;
  readonly #demand: Demand;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #courses = new WeakMap<E, Course>();
  readonly #underWay = new Set<Course>();
  #timer: Timer | undefined;

  constructor({ settings, set, outliers, checker, demand, clock, random }: HealthChecksOptions<E>) {
    this.#settings = settings;
    this.#set = set;
    this.#outliers = outliers;
    this.#checker = checker;
    this.#demand = demand;
    this.#clock = clock;
    this.#random = random;
  }

  start(): void {
    this.#timer ??= this.#look();
  }

  /** Stops, and gives up the checks under way. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#abandonAll();
  }

  #look(): Timer {
    const { interval } = this.#settings;
    const now = this.#clock.now();
    // Even an unref'd connect keeps the process alive while it is pending.
    if (this.#underWay.size > 0 && this.#demand.total === 0 && !this.#checker.isProcessHeld())
      this.#abandonAll();
    for (const endpoint of this.#checkable()) {
      if (!endpoint.warm && !endpoint.isEjected) continue;
      let course = this.#courses.get(endpoint);
      if (course === undefined) {
        course = new Course(now + interval * this.#random());
        this.#courses.set(endpoint, course);
      }
      if (now >= course.dueAt && course.check === undefined) this.#check(endpoint, course);
    }
    return this.#clock.schedule(
      () => {
        this.#timer = this.#look();
      },
      Math.min(interval / LOOKS, LONGEST_STEP),
    );
  }

  /** The endpoints that may be dialled. */
  #checkable(): Iterable<E> {
    return this.#set.frozen || this.#set.isVirtual || this.#set.isPassive ? [] : this.#set.current.values();
  }

  #check(endpoint: E, course: Course): void {
    const { interval } = this.#settings;
    course.dueAt = this.#clock.now() + interval * (1 - JITTER + 2 * JITTER * this.#random());
    const ejection = endpoint.health?.ejection;
    if (ejection !== course.ejection) course.passed = 0;
    course.ejection = ejection;
    this.#underWay.add(course);
    course.check = this.#checker.check(endpoint, this.#settings, (passed) => {
      this.#underWay.delete(course);
      course.check = undefined;
      if (endpoint.isDraining) return;
      if (passed) this.#onPassed(endpoint, course);
      else this.#onFailed(endpoint, course);
    });
  }

  #onPassed(endpoint: E, course: Course): void {
    course.failed = 0;
    // A check that began before the ejection says nothing about the time after it.
    if (course.ejection === undefined || course.ejection !== endpoint.health?.ejection) return;
    course.passed++;
    if (course.passed >= this.#settings.healthyThreshold) this.#outliers.recovered(endpoint);
  }

  #onFailed(endpoint: E, course: Course): void {
    course.passed = 0;
    course.failed++;
    if (course.failed < this.#settings.unhealthyThreshold) return;
    if (this.#set.kindOf(endpoint) === 'pod') this.#outliers.ails(endpoint);
  }

  #abandonAll(): void {
    for (const course of this.#underWay) {
      course.check?.abandon();
      course.check = undefined;
    }
    this.#underWay.clear();
  }
}
