import type { ServerResponse } from 'node:http';
import { clearInterval, setInterval, systemClock, type Timer } from '../core/base/clock.ts';
import { Happenings } from './happenings.ts';
import { presentMoment, viewOfProcess } from './view.ts';

const INTERVAL = 1_000;
/** Milliseconds until viewers hear of something that has just happened. */
const SOON = 100;
const MOST_VIEWERS = 16;
/** If a viewer is this many bytes behind, it is dropped. */
const MOST_BEHIND = 4 * 1024 * 1024;

/** Tells viewers once a second what is known, and shortly after an event, what has happened. */
export class Broadcast {
  readonly happenings = new Happenings(() => this.#tellSoon());
  readonly #viewers = new Set<ServerResponse>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #soon: Timer | undefined;

  get isFull(): boolean {
    return this.#viewers.size >= MOST_VIEWERS;
  }

  /** Tells a viewer all there is, and then the changes, as server-sent events. */
  add(viewer: ServerResponse): void {
    // Earlier events are part of the first message to the new viewer.
    if (this.#timer !== undefined) this.#tell();
    viewer.write(eventOf('hello', { ...viewOfProcess(), happened: this.happenings.last }));
    this.#viewers.add(viewer);
    viewer.once('close', () => this.#delete(viewer));
    if (this.#timer !== undefined) return;
    this.happenings.watch();
    this.#timer = setInterval(() => this.#tell(), INTERVAL).unref();
  }

  stop(): void {
    this.happenings.stop();
    for (const viewer of this.#viewers) viewer.destroy();
  }

  #delete(viewer: ServerResponse): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    this.happenings.unwatch();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#soon?.cancel();
    this.#soon = undefined;
  }

  #tellSoon(): void {
    if (this.#timer === undefined || this.#soon !== undefined) return;
    this.#soon = systemClock.schedule(() => this.#tell(), SOON);
  }

  #tell(): void {
    this.#soon?.cancel();
    this.#soon = undefined;
    const text = eventOf('moment', { ...presentMoment(), happened: this.happenings.takeNews() });
    for (const viewer of this.#viewers) {
      if (viewer.writableLength > MOST_BEHIND) viewer.destroy();
      else viewer.write(text);
    }
  }
}

function eventOf(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
