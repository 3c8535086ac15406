import type { Pod } from '../../../src/core/connections/connection.ts';
import { EJECTED, ON_TRIAL, PAUSED, SILENT } from '../../../src/core/endpoints/reasons.ts';
import { Invariant } from './invariant.ts';

/** Milliseconds after its time for an ejection to end: a process that stood still is late. */
const LATE = 10;

/**
 * No more endpoints are ejected or paused than may be: one always, more up to the share that is allowed, those aside that
 * fail their health checks. None is out for longer than the longest time. In panic they serve all the same, and only then.
 * Silent ones serve all the same if there would be panic without them, or only endpoints on trial or that fail.
 */
export class Ejections extends Invariant {
  readonly name = 'ejections';
  #out = 0;
  /** Those that are out for their health checks. They may have been paused by the time that they pass them, and stay out. */
  readonly #excused = new Set<Pod>();
  /** The most members since it was looked last: pods that are found behind a virtual IP come and go in between. */
  #most = 0;

  override onStep(): void {
    this.#most = Math.max(this.#most, this.scene.service.endpoints.members.size);
  }

  override look(): void {
    const { service, settings, world } = this.scene;
    const { outlierDetection } = settings;
    if (world.time.isLate) return;
    const now = world.time.now();
    const members = service.endpoints.members;
    let [out, count, unreachable, failing, silent, onTrial] = [0, 0, 0, 0, 0, 0];
    for (const endpoint of members.values()) {
      const { health } = endpoint;
      if (health?.standing === 'unreachable') unreachable++;
      if (health?.standing === 'failing') failing++;
      if (health?.standing === 'silent') silent++;
      if (health?.standing === 'on-trial') onTrial++;
      if (health?.standing !== 'out') {
        this.#excused.delete(endpoint);
        continue;
      }
      out++;
      if (health.ailing) this.#excused.add(endpoint);
      if (!this.#excused.has(endpoint)) count++;
      if (outlierDetection !== false && health.ejection?.timer !== undefined && !health.ailing) {
        const longest = outlierDetection.maxEjectionTime;
        const since = now - health.ejection.since;
        if (since > longest + LATE)
          this.violate(`${endpoint.key} is ejected for ${since} ms, at most ${longest} are allowed`);
      }
      if (health.pause !== undefined && now > health.pause.until + LATE) {
        this.violate(`${endpoint.key} is paused past its time`);
      }
    }
    const { size } = members;
    const { maxEjectionPercent, panicThreshold } = outlierDetection === false ? NONE : outlierDetection;
    if (count > this.#out && count > 1 && count * 100 > maxEjectionPercent * this.#most) {
      this.violate(`${count} of ${this.#most} endpoints are out, and ${maxEjectionPercent} % may be`);
    }
    this.#out = count;
    this.#most = size;
    const serving = size - out - unreachable;
    const isPanicWith = (left: number) =>
      left * 100 < panicThreshold * size || (panicThreshold > 0 && left <= failing);
    const answering = serving - silent;
    const needsSilent = isPanicWith(answering) || answering - onTrial <= failing;
    for (const endpoint of members.values()) {
      this.#lookAt(endpoint, isPanicWith(serving));
      this.#lookAtSilent(endpoint, needsSilent);
    }
  }

  #lookAtSilent({ key, health, reasons }: Pod, isNeeded: boolean): void {
    const isSilent = health?.standing === 'silent';
    const isSpared = (reasons & SILENT) !== 0 || (isSilent && (reasons & ON_TRIAL) !== 0);
    if (isSpared !== (isSilent && !isNeeded))
      this.violate(`${key} is ${isSpared ? '' : 'not '}spared, and ${isSilent ? '' : 'not '}silent`);
  }

  #lookAt({ key, health, reasons }: Pod, isPanic: boolean): void {
    const isOut = health?.standing === 'out';
    const isPassedOver = (reasons & (EJECTED | PAUSED)) !== 0;
    if (isPassedOver && !isOut) this.violate(`${key} is passed over, and is neither ejected nor paused`);
    if (isOut && isPassedOver === isPanic)
      this.violate(`${key} is ${isPassedOver ? '' : 'not '}passed over ${isPanic ? 'in panic' : ''}`);
  }
}

const NONE = { maxEjectionPercent: 0, panicThreshold: 50 };
