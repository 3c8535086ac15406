/** What pickers keep on an endpoint, which nobody else writes. */
export abstract class Balanced {
  /** Of the picker that it stands in, or stood in last. */
  slot: unknown = undefined;
  /** It was given more requests than others before it has served one: with zones, others are preferred for that. */
  lagging = false;

  /** Takes back what pickers kept on it: others of another kind come. It stands in none. */
  clearSlot(): void {
    this.slot = undefined;
  }
}
