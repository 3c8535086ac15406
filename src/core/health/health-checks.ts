import type { Settings } from '../../config/settings.ts';
import type { Dialer } from '../../transports/undici/dialer.ts';
import { Probe, type ProbeOptions } from '../../transports/undici/health-probe.ts';
import type { Timer } from '../base/clock.ts';
import { isProcessHeld } from '../base/process-hold.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { Ejection } from './health-record.ts';

/** Milliseconds between two looks at what is due, at most. */
const LONGEST_STEP = 1_000;
/** The part of the interval by which one differs from another, at most. */
const JITTER = 0.1;

/** What health checks tell, and ask. */
export interface HealthChecksOwner {
  /** Requests that wait or are in flight. */
  readonly demand: number;
  /** Those that may be dialled. */
  readonly checkable: Iterable<Endpoint>;
  /** Enough checks in a row have failed. */
  onAiling(endpoint: Endpoint): void;
  /** Enough have passed since it was ejected. */
  onRecovered(endpoint: Endpoint): void;
}

/** How an endpoint does. */
class Course {
  dueAt: number;
  probe: Probe | undefined = undefined;
  /** Failed in a row. */
  failed = 0;
  /** Passed in a row, during that ejection. */
  passed = 0;
  ejection: Ejection | undefined = undefined;

  constructor(dueAt: number) {
    this.dueAt = dueAt;
  }
}

/** Checks the endpoints that are in use or ejected, each in its own time, while the service is in use. */
export class HealthChecks {
  readonly #owner: HealthChecksOwner;
  readonly #settings: Settings;
  readonly #probing: ProbeOptions;
  readonly #courses = new WeakMap<Endpoint, Course>();
  readonly #underWay = new Set<Course>();
  #timer: Timer | undefined;

  constructor(owner: HealthChecksOwner, settings: Settings, url: URL, dialer: Dialer) {
    const { client, clock, healthCheck } = settings;
    const { path, timeout, expectedStatus } = healthCheck;
    this.#owner = owner;
    this.#settings = settings;
    this.#probing = {
      url,
      dialer,
      client,
      clock,
      path: path ?? '/',
      timeout,
      // By default as the kubelet has it.
      isExpected: (status) => (expectedStatus === undefined ? status < 400 : status === expectedStatus),
    };
  }

  start(): void {
    this.#timer ??= this.#look();
  }

  /** Gives up the checks under way, too. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#abandonAll();
  }

  #look(): Timer {
    const { clock, random, healthCheck } = this.#settings;
    const now = clock.now();
    // A pending connect keeps the process alive, unref'd or not.
    if (this.#underWay.size > 0 && this.#owner.demand === 0 && !isProcessHeld()) this.#abandonAll();
    for (const endpoint of this.#owner.checkable) {
      if (!endpoint.warm && !endpoint.isEjected) continue;
      let course = this.#courses.get(endpoint);
      if (course === undefined) {
        course = new Course(now + healthCheck.interval * random());
        this.#courses.set(endpoint, course);
      }
      if (now >= course.dueAt && course.probe === undefined) this.#check(endpoint, course);
    }
    return clock.schedule(
      () => {
        this.#timer = this.#look();
      },
      Math.min(healthCheck.interval / 10, LONGEST_STEP),
    );
  }

  #check(endpoint: Endpoint, course: Course): void {
    const { clock, random, healthCheck } = this.#settings;
    course.dueAt = clock.now() + healthCheck.interval * (1 - JITTER + 2 * JITTER * random());
    const ejection = endpoint.health?.ejection;
    if (ejection !== course.ejection) course.passed = 0;
    course.ejection = ejection;
    this.#underWay.add(course);
    course.probe = new Probe(endpoint, this.#probing, (passed) => {
      this.#underWay.delete(course);
      course.probe = undefined;
      if (endpoint.state.name === 'draining') return;
      if (passed) this.#onPassed(endpoint, course);
      else this.#onFailed(endpoint, course);
    });
  }

  #onPassed(endpoint: Endpoint, course: Course): void {
    course.failed = 0;
    // One that began before the ejection says nothing of what came after.
    if (course.ejection === undefined || course.ejection !== endpoint.health?.ejection) return;
    course.passed++;
    if (course.passed >= this.#settings.healthCheck.healthyThreshold) this.#owner.onRecovered(endpoint);
  }

  #onFailed(endpoint: Endpoint, course: Course): void {
    course.passed = 0;
    course.failed++;
    if (course.failed >= this.#settings.healthCheck.unhealthyThreshold) this.#owner.onAiling(endpoint);
  }

  #abandonAll(): void {
    for (const course of this.#underWay) {
      course.probe?.abandon();
      course.probe = undefined;
    }
    this.#underWay.clear();
  }
}
