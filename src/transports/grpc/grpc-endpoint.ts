import type { Clock } from '../../core/base/clock.ts';
import type { EndpointAddress } from '../../core/discovery/resolver.ts';
import { type Board, Endpoint } from '../../core/endpoints/endpoint.ts';
import { COLD, FULL, UNTRIED } from '../../core/endpoints/reasons.ts';
import { Slot } from './slot.ts';

export type GrpcSlot = Slot<GrpcEndpoint>;

/** An endpoint whose connections grpc-js makes. */
export class GrpcEndpoint extends Endpoint {
  /** Its slots, the oldest first: usually one, and its successor while that is made. */
  readonly slots: GrpcSlot[] = [];
  /** How many connections were made, and how many retired, since the start. */
  opened = 0;
  retirements = 0;
  /** Whether it can't be reached any more, or never could. */
  #isDown = false;
  readonly #clock: Clock;

  constructor(key: string, info: EndpointAddress, board: Board, clock: Clock) {
    super(key, info, board);
    this.#clock = clock;
    // An endpoint is connected as long as it is in the set.
    this.note(COLD, 0);
  }

  override get connected(): number {
    let connected = 0;
    for (const { state } of this.slots) if (state === 'connected') connected++;
    return connected;
  }

  /** Its slots that are connected. */
  get connections(): GrpcSlot[] {
    return this.slots.filter(({ state }) => state === 'connected');
  }

  override get isUnreachable(): boolean {
    return this.#isDown;
  }

  /** How many calls are under way, also lasting ones. */
  get carried(): number {
    return this.inFlight + this.lasting;
  }

  /** Makes a slot for one more connection. */
  addSlot(): GrpcSlot {
    const slot = new Slot(this, this.#clock);
    this.slots.push(slot);
    return slot;
  }

  removeSlot(slot: GrpcSlot): void {
    const index = this.slots.indexOf(slot);
    if (index >= 0) this.slots.splice(index, 1);
  }

  /** One of its slots is connected. */
  countOpened(): void {
    this.opened++;
  }

  /** One of them takes no more calls. */
  countRetired(): void {
    this.retirements++;
  }

  /** Updates its reasons after its slots have changed. */
  restack(): void {
    const isConnected = this.connected > 0;
    if (isConnected) this.#isDown = false;
    const hasRoom = this.slots.some((slot) => slot.state === 'connected' && slot.hasRoom);
    this.setReasons(FULL | (isConnected ? UNTRIED : 0), hasRoom ? 0 : FULL);
  }

  /** Its last dial failed, and it has no connection. */
  setDown(): void {
    this.#isDown = true;
    this.bar(UNTRIED);
  }

  /** Counts a call that begins in one of its slots. */
  begin(slot: GrpcSlot): void {
    slot.inFlight++;
    slot.requests++;
    if (!slot.hasRoom) this.#noteRoom();
    this.beginAttempt();
  }

  /** A call has ended, or goes elsewhere. If `held`, it counts as load until `unhold`. */
  end(slot: GrpcSlot, failed: boolean, held: boolean): void {
    this.#leave(slot);
    this.endAttempt(failed, held);
  }

  /** A call lasts, and counts apart from now on. */
  setApart(): void {
    this.countApart();
    this.board.update(this);
  }

  /** Such a call has ended. */
  endApart(slot: GrpcSlot, failed: boolean): void {
    this.countApartEnd();
    if (failed) this.failures++;
    this.#leave(slot);
    this.board.update(this);
  }

  #leave(slot: GrpcSlot): void {
    const hadRoom = slot.hasRoom;
    slot.inFlight--;
    if (!hadRoom) this.#noteRoom();
  }

  #noteRoom(): void {
    const hasRoom = this.slots.some((slot) => slot.state === 'connected' && slot.hasRoom);
    this.note(FULL, hasRoom ? 0 : FULL);
  }
}
