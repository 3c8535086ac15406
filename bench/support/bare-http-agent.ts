import { Agent, type ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { BarePods } from './bare-pods.ts';

interface Pod {
  readonly address: string;
  readonly port: number;
  readonly idle: Socket[];
  inFlight: number;
}

/** Requests have this method, although Node's documentation doesn't name it. */
type Request = ClientRequest & { onSocket(socket: Socket): void };

/**
 * The least that a balancer over node:http does: it looks for the pod with the fewest requests in flight, takes an idle
 * socket of it, and learns from the socket when the request has ended. It knows no failure, no limit, no age, no async
 * context, and no discovery.
 */
export class BareHttpAgent extends Agent {
  readonly #pods: BarePods<Pod>;

  constructor(endpoints: readonly { address: string; port: number }[]) {
    super({ keepAlive: true });
    this.#pods = new BarePods(
      endpoints.map(({ address, port }) => ({ address, port, idle: [], inFlight: 0 })),
    );
  }

  /** Called by requests. Callers and tracers may add headers until the next tick. */
  addRequest(request: Request): void {
    process.nextTick(send, this, request);
  }

  send(request: Request): void {
    const pod = this.#pods.pick();
    pod.inFlight++;
    const socket = pod.idle.pop();
    request.reusedSocket = socket !== undefined;
    request.onSocket(socket ?? dial(pod));
  }

  override destroy(): void {
    for (const { idle } of this.#pods.all) for (const socket of idle) socket.destroy();
  }
}

function send(agent: BareHttpAgent, request: Request): void {
  agent.send(request);
}

function dial(pod: Pod): Socket {
  const { address: host, port } = pod;
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1_000 });
  socket.on('error', noop);
  socket.on('free', () => {
    pod.inFlight--;
    pod.idle.push(socket);
  });
  return socket;
}

function noop(): void {}
