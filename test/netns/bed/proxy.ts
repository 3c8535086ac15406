import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What a proxy does to the names of pods: it sets its own, takes them away, or passes them on. */
export type ProxyKind = 'names itself' | 'strips' | 'multiplexes';

export interface ProxySpec {
  readonly kind: ProxyKind;
  readonly address: string;
  readonly port: number;
  /** The addresses of the pods. */
  readonly pods: readonly string[];
}

const HEADER = 'evenkeel-pod';

/**
 * A proxy between clients and pods. One that multiplexes draws a pod for each request; others draw one for each connection, so that
 * only connections can be balanced.
 */
export async function startProxy({ kind, address, port, pods }: ProxySpec): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const drawn = () => pods[Math.floor(Math.random() * pods.length)]!;
  const podOf = new WeakMap<object, string>();
  const podFor = ({ socket }: IncomingMessage): string => {
    if (kind === 'multiplexes') return drawn();
    const pod = podOf.get(socket) ?? drawn();
    podOf.set(socket, pod);
    return pod;
  };
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { url, method, headers } = incoming;
    const passed = request(
      { host: podFor(incoming), port, path: url, method, headers, agent },
      (response) => {
        const { connection: _, 'keep-alive': __, ...others } = response.headers;
        if (kind !== 'multiplexes') delete others[HEADER];
        if (kind === 'names itself') others[HEADER] = 'proxy';
        outgoing.writeHead(response.statusCode!, others);
        response.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    passed.end();
  };
  const server = createServer(pass).listen(port, address);
  await once(server, 'listening');
}
