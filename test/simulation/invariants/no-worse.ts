import { codeOf, type PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Milliseconds by which a wait may seem shorter than it was. */
const SLACK = 5;
/** Connections in a row that have ended without having looked at a call; with one more, it fails. */
const MOST_REROUTES = 8;
/** Idle connections in a row that have ended just as a call was sent. */
const MOST_CROSSED = 2;

/**
 * No call fails that a plain client would have seen served: what waits fails for want of endpoints after its time, for a full
 * queue only when it is full, and for a dial that failed only when nobody serves; what was never sent does not fail for an end
 * of a connection.
 */
export class NoWorse extends Invariant {
  readonly name = 'no worse';

  override onSettled(call: PlayedCall, error: Error | undefined): void {
    if (error === undefined || call.reason !== null || this.scene.destroyed) return;
    if (this.scene.scenario.servesAll) this.violate(`call ${call.id} fails with ${codeOf(error)}`);
    switch (codeOf(error)) {
      case 'EVENKEEL_QUEUE_FULL':
        this.#onFull(call);
        break;
      case 'EVENKEEL_NO_ENDPOINTS':
        this.#onNone(call, error);
        break;
      case 'ECONNREFUSED':
      case 'UND_ERR_CONNECT_TIMEOUT':
        this.#onDialFailed(call);
        break;
      case 'ERR_HTTP2_STREAM_ERROR':
        this.#onRefused(call);
        break;
      case 'ECONNRESET':
        if ((error as NodeJS.ErrnoException).syscall === 'connect') this.#onDialFailed(call);
        else this.#onReset(call);
        break;
    }
  }

  #onFull(call: PlayedCall): void {
    const { waiting } = this.scene.service;
    const most = this.scene.settings.maxPendingRequests;
    if (waiting < most) this.violate(`call ${call.id} is refused, for ${waiting} wait of ${most} that may`);
  }

  #onNone(call: PlayedCall, error: Error): void {
    const { settings, service, world } = this.scene;
    if (this.#serving() === undefined) return;
    if (error.message.includes('after 0 ms') && service.endpoints.current.size === 0) return;
    const waited = (world.time.micros - call.beganAt) / 1_000;
    const least = Math.min(settings.newsTimeout, settings.endpointTimeout);
    if (waited + SLACK < least) this.violate(`call ${call.id} fails after ${waited} ms: ${error.message}`);
  }

  #onDialFailed(call: PlayedCall): void {
    const key = call.sent === 0 ? this.#serving() : undefined;
    if (key !== undefined) this.violate(`call ${call.id} fails with an error of a dial, and ${key} serves`);
  }

  /** undici sends again what a GOAWAY gives back, and a stream that was refused once. */
  #onRefused({ id, unlooked, givenBack }: PlayedCall): void {
    if (this.#serving() === undefined) return;
    if (unlooked === 1) this.violate(`call ${id} fails, and was not looked at once`);
    else if (givenBack === unlooked && givenBack <= MOST_REROUTES) {
      this.violate(`call ${id} fails, and was given back ${givenBack} times`);
    }
  }

  #onReset(call: PlayedCall): void {
    const { reroutes = 0 } = call.history ?? {};
    const { retry } = this.scene.settings;
    const mayRepeat = retry !== false && retry.reasons.includes('reset') && call.repeatable && !call.upgrades;
    if (call.failedCrossing && mayRepeat && call.crossed < MOST_CROSSED)
      this.violate(`call ${call.id} fails with the end of a connection that had been idle`);
    if (call.sent + call.unsent === 0) {
      this.#onDialFailed(call);
      return;
    }
    if (call.sent > call.unlooked || reroutes > MOST_REROUTES || call.upgrades) return;
    if (this.scene.scenario.multiplexes) return;
    this.violate(`call ${call.id} fails with the end of a connection, and was never sent`);
  }

  /** An endpoint that is connected, and whose pod is in order, if there is one. */
  #serving(): string | undefined {
    const { service, pods } = this.scene;
    if (service.endpoints.isVirtual) return undefined;
    for (const { key, info, connected, isHealthy, backoff, requestRoom, opening } of service.endpoints
      .connected) {
      if (connected === 0 || !isHealthy || backoff !== undefined || requestRoom <= 0 || opening) continue;
      const pod = pods.find(({ address }) => address === info.address);
      if (pod?.isWell) return key;
    }
    return undefined;
  }
}
