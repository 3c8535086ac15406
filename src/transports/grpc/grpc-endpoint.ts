import type { Clock } from '../../core/base/clock.ts';
import type { EndpointAddress } from '../../core/discovery/resolver.ts';
import { type Board, Endpoint } from '../../core/endpoints/endpoint.ts';
import { COLD, FULL, UNTRIED } from '../../core/endpoints/reasons.ts';
import { Slot } from './slot.ts';

export type GrpcSlot = Slot<GrpcEndpoint>;

/** An endpoint of which grpc-js makes the connections. */
export class GrpcEndpoint extends Endpoint {
  /** Its connections, the oldest first: as a rule one, and its successor while that is made. */
  readonly slots: GrpcSlot[] = [];
  /** Connections ever made, and those that were retired. */
  opened = 0;
  retirements = 0;
  /** It is reached no more, or was never. */
  #isDown = false;
  readonly #clock: Clock;

  constructor(key: string, info: EndpointAddress, board: Board, clock: Clock) {
    super(key, info, board);
    this.#clock = clock;
    // Each is connected as long as it is in the set.
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

  /** Calls under way, of both kinds. */
  get carried(): number {
    return this.inFlight + this.lasting;
  }

  /** Makes room for one more connection. */
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

  /** Something about its slots has changed. */
  restack(): void {
    const isConnected = this.connected > 0;
    if (isConnected) this.#isDown = false;
    const hasRoom = this.slots.some((slot) => slot.state === 'connected' && slot.hasRoom);
    this.setReasons(FULL | (isConnected ? UNTRIED : 0), hasRoom ? 0 : FULL);
  }

  /** Its last dial failed, and nothing is connected. */
  setDown(): void {
    this.#isDown = true;
    this.bar(UNTRIED);
  }

  /** Takes a call on, in one of its slots. */
  begin(slot: GrpcSlot): void {
    slot.inFlight++;
    slot.requests++;
    if (!slot.hasRoom) this.#noteRoom();
    this.beginAttempt();
  }

  /** A call has ended, or goes elsewhere. A held one goes on counting as load until `unhold`. */
  end(slot: GrpcSlot, failed: boolean, held: boolean): void {
    this.#leave(slot);
    this.endAttempt(failed, held);
  }

  /** A call that lasts is counted apart. */
  setApart(): void {
    this.countApart();
    this.board.update(this);
  }

  /** The same has ended. */
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
