import type { TcpNetConnectOpts } from 'node:net';
import type { Dial, DialDone, Target } from '../../../src/core/connections/transport.ts';
import { portsOf, type Unacknowledged } from '../../../src/core/connections/unacknowledged.ts';
import { HttpTransport, type HttpTransportOptions } from '../../../src/transports/http/http-transport.ts';
import type { HttpWire } from '../../../src/transports/http/http-wire.ts';
import type { SimulatedPod } from '../pod.ts';
import type { VirtualTime } from '../time.ts';
import { type Dials, type Route, SimulatedDial } from '../transport.ts';
import type { World } from '../world.ts';
import { MemorySocket } from './memory-socket.ts';
import type { RequestCall } from './request-call.ts';
import { type CallOf, SocketWire } from './socket-wire.ts';

export interface MemoryOptions {
  readonly world: World;
  readonly route: Route;
  readonly callOf: CallOf;
  /** The call whose request it is. */
  readonly callFor: (request: object) => RequestCall;
}

/** evenkeel's transport for requests of node:http, on sockets in memory. */
export class MemoryTransport extends HttpTransport implements Dials<SocketWire> {
  override readonly clock: VirtualTime;
  /** Dials under way that are to make a wire. */
  dialling = 0;
  readonly underWay: Dials<SocketWire>['underWay'] = new Set();
  readonly #memory: MemoryOptions;
  #lastSocket: MemorySocket | undefined = undefined;
  readonly #wires = new WeakMap<object, SocketWire>();

  constructor(options: HttpTransportOptions, memory: MemoryOptions) {
    super({ ...options, connectTcp: (connect) => this.#connect(connect) });
    this.#memory = memory;
    this.clock = memory.world.time;
    memory.world.wireOf = (wire) => this.#wires.get(wire)!;
  }

  override isProcessHeld(): boolean {
    return true;
  }

  makeWire(pod: SimulatedPod): SocketWire {
    const { world, callOf } = this.#memory;
    return new SocketWire(world, pod, callOf);
  }

  #connect({ host = '' }: TcpNetConnectOpts): MemorySocket {
    const { world, route } = this.#memory;
    this.#lastSocket = new MemorySocket(
      world.time,
      (done) => new SimulatedDial(world, this, route(host), 'dial', done),
    );
    return this.#lastSocket;
  }

  override dial(target: Target, done: DialDone): Dial {
    this.#memory.world.watch.onDial(target);
    this.dialling++;
    let isOver = false;
    const over = () => {
      if (!isOver) this.dialling--;
      isOver = true;
    };
    const dial = super.dial(target, (error, wire) => {
      over();
      if (wire !== undefined) this.#follow(wire as HttpWire, socket.wire!);
      done(error, wire);
    });
    const socket = this.#lastSocket!;
    return {
      abandon() {
        over();
        dial.abandon();
      },
      unref: () => dial.unref(),
      timeOut: () => dial.timeOut(),
      timeoutError: () => dial.timeoutError(),
    };
  }

  #follow(wire: HttpWire, peer: SocketWire): void {
    const { callFor } = this.#memory;
    this.#wires.set(wire, peer);
    const { send, sendNextTurn } = wire;
    wire.send = (call) => {
      peer.give(callFor(call.request));
      send.call(wire, call);
    };
    wire.sendNextTurn = (call, delay) => {
      peer.give(callFor(call.request));
      sendNextTurn.call(wire, call, delay);
    };
  }

  override unacknowledged(): Promise<Unacknowledged> {
    // A host has other sockets as well.
    const known = new Map<string, boolean | undefined>([[portsOf(0, 0), false]]);
    for (const { broken, ports, isUnacknowledged } of this.#memory.world.wires)
      if (!broken) known.set(ports, isUnacknowledged);
    return Promise.resolve(known);
  }
}
