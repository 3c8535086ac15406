/** How much a service has to do: its calls that run, and those that wait. Lasting ones are none of these. */
export class Demand {
  running = 0;
  waiting = 0;
  /** Calls ever taken. */
  taken = 0;

  get total(): number {
    return this.running + this.waiting;
  }
}
