/** What pickers keep on an endpoint. Only pickers write it. */
export abstract class Balanced {
  /** Belongs to the picker that the endpoint is in, or was in last. */
  slot: unknown = undefined;
  /** Whether it got more requests than others did before it served one. With zones, others are preferred then. */
  lagging = false;

  /** Forgets what pickers kept, because pickers of another kind replace them. The endpoint must be in no picker. */
  clearSlot(): void {
    this.slot = undefined;
  }
}
