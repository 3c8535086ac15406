import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Microseconds: those that come within it count as if they came together. */
const TICK = 63;

/**
 * Calls that may go anywhere are served in the order in which they came: none goes ahead of one that waits. What was sent
 * before, and goes elsewhere, has had its turn.
 */
export class FirstCome extends Invariant {
  readonly name = 'first come';
  readonly #line: PlayedCall[] = [];
  #first = 0;

  override onWaiting(call: PlayedCall): void {
    if (isPlain(call)) this.#line.push(call);
  }

  override onGiven(call: PlayedCall): void {
    if (!isPlain(call)) return;
    const line = this.#line;
    while (this.#first < line.length && !waits(line[this.#first]!)) this.#first++;
    const first = line[this.#first];
    if (first === undefined) {
      line.length = 0;
      this.#first = 0;
    } else if (first !== call && first.beganAt + TICK < call.beganAt) {
      this.violate(
        `call ${call.id} goes ahead of call ${first.id}, which waits since ${first.beganAt / 1_000} ms`,
      );
    }
  }
}

function waits(call: PlayedCall): boolean {
  return call.waiting && isPlain(call);
}

function isPlain({ keyHash, lasting, history, sent }: PlayedCall): boolean {
  return keyHash < 0 && !lasting && history === undefined && sent === 0;
}
