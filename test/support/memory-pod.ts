import type { MemoryCall } from './memory-call.ts';
import type { MemoryWire } from './memory-transport.ts';

/** What a pod does with a call, and after how many milliseconds. */
export type Reaction =
  | { name: 'answer'; after?: number; status?: number; headers?: Record<string, string>; lasts?: number }
  | { name: 'hang' }
  /** The connection breaks; `begun`: in the midst of a response. */
  | { name: 'break'; after?: number; begun?: boolean }
  /** The stream is refused. */
  | { name: 'refuse'; after?: number }
  /** The connection takes no more, and gives back what is not answered yet. */
  | { name: 'go-away'; after?: number }
  /** The connection was closed while the call was on its way. */
  | { name: 'closed'; after?: number };

/** The other end of wires: does what it is told to. */
export class MemoryPod {
  readonly endpoint: { address: string; port: number };
  react: (call: MemoryCall, wire: MemoryWire) => Reaction = () => ({ name: 'answer' });
  /** What becomes of dials to it. */
  dials: 'taken' | 'refused' | 'unanswered' = 'taken';
  /** Milliseconds that a dial takes. */
  handshake = 1;
  /** Streams that a connection may carry. */
  streams = 100;
  /** Connections that are open, and all there ever were. */
  readonly wires = new Set<MemoryWire>();
  readonly opened: MemoryWire[] = [];
  /** Calls that came, as often as they did. */
  requests = 0;

  constructor(n: number) {
    this.endpoint = { address: `10.0.${n >> 8}.${n & 255}`, port: 80 };
  }

  /** Its connections break, with what they carry, and it takes no dials until it is told to. */
  die(): void {
    this.dials = 'refused';
    for (const wire of [...this.wires]) wire.break();
  }

  goAway(): void {
    for (const wire of [...this.wires]) wire.goAway();
  }

  /** A call has come on a wire. */
  take(call: MemoryCall, wire: MemoryWire): void {
    this.requests++;
    call.sentTo.push(this.endpoint.address);
    const reaction = this.react(call, wire);
    if (reaction.name === 'hang') return;
    wire.later(call, reaction.after ?? 1, () => act(call, wire, reaction));
  }
}

function act(call: MemoryCall, wire: MemoryWire, reaction: Exclude<Reaction, { name: 'hang' }>): void {
  const { name } = reaction;
  if (name === 'answer') {
    const { status = 200, headers = {}, lasts = 0 } = reaction;
    wire.bytesRead++;
    call.onHead(status, headers);
    wire.later(call, lasts, () => wire.drop(call) && call.onEnd());
  } else if (name === 'break') {
    if (reaction.begun === true) {
      wire.bytesRead++;
      call.onHead(200, {});
    }
    wire.break();
  } else if (name === 'refuse') {
    wire.drop(call);
    call.onRefused(new Error('refused stream'), 'refused');
  } else if (name === 'go-away') {
    wire.goAway();
  } else {
    wire.vanish(call);
  }
}
