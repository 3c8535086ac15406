/** How many calls of a service run, and how many wait. Lasting calls don't count. */
export class Demand {
  running = 0;
  waiting = 0;
  /** How many calls were taken, since the start. */
  taken = 0;

  get total(): number {
    return this.running + this.waiting;
  }
}
