import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { createServer, isIP, type Socket, type Server as TcpServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import {
  type Answer,
  type DnsRecord,
  parseQuestion,
  type Question,
  type Rcode,
  type RecordType,
  writeResponse,
} from './dns-message.ts';

export interface DnsServerOptions {
  /** The address to listen on; default `127.0.0.1`. */
  readonly host?: string;
  /** Whether TCP works too; default true. */
  readonly tcp?: boolean;
}

/** What to do with questions instead of answering them at once. */
export type Behaviour =
  | { readonly rcode: Rcode /** Default: questions of any. */; readonly type?: RecordType }
  /** Says nothing, ever. */
  | 'silent'
  /** To questions of that type. */
  | { readonly silentOn: RecordType }
  | { readonly delay: number };

export interface AskedQuestion {
  readonly name: string;
  /** `undefined`: one that the server doesn't know. */
  readonly type: RecordType | undefined;
  readonly transport: 'udp' | 'tcp';
}

export interface ServiceTarget {
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

interface Times {
  /** Seconds; default 30. */
  readonly ttl?: number;
}

/** Stands for all names that nothing else is said of. */
const ANY = '*';
const DEFAULT_TTL = 30;
/** Without EDNS, which c-ares doesn't use here, no more fits into a datagram. */
const UDP_LIMIT = 512;
const TCP_LIMIT = 65_535;

/**
 * Starts a DNS server, on UDP and TCP, which knows no name yet and ends with the test.
 *
 * ```ts
 * const dns = await startDnsServer(t);
 * dns.set('orders.test', ['127.0.1.1', '127.0.1.2'], { ttl: 1 });
 * const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
 * await dns.received('orders.test');
 * ```
 */
export async function startDnsServer(
  t: { after(fn: () => Promise<void>): void },
  { host = '127.0.0.1', tcp = true }: DnsServerOptions = {},
): Promise<DnsServer> {
  const server = new DnsServer(await listen(host, tcp));
  t.after(() => server.close());
  return server;
}

/** Knows names and remembers what it was asked. Names are in lower case, without a final dot. */
export class DnsServer {
  /** `ip:port` or `[ip]:port`. */
  readonly address: string;
  readonly #sockets: Sockets;
  readonly #connections = new Set<Socket>();
  readonly #records = new Map<string, readonly DnsRecord[]>();
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #samples = new Map<string, { readonly size: number; next: number }>();
  readonly #holds = new Map<string, Promise<void>>();
  readonly #asked = new EventEmitter<{ question: [] }>();
  readonly #questions: AskedQuestion[] = [];
  #closed = false;

  constructor(sockets: Sockets) {
    const { address, family, port } = sockets.udp.address();
    this.address = family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
    this.#sockets = sockets;
    sockets.udp.on('message', (message, from) => {
      void this.#answer(message, 'udp', (response) => sockets.udp.send(response, from.port, from.address));
    });
    sockets.tcp?.on('connection', (socket) => this.#serve(socket));
  }

  /** Gives a name these addresses, IPv4 and IPv6, in place of all it had. With none it exists, but leads nowhere. */
  set(name: string, addresses: readonly string[], { ttl = DEFAULT_TTL }: Times = {}): void {
    this.setRecords(
      name,
      addresses.map((address) => ({ type: isIP(address) === 6 ? 'AAAA' : 'A', address, ttl })),
    );
  }

  /** Gives a name these IPv4 addresses, of which each answer has the next `size`. */
  setSample(
    name: string,
    addresses: readonly string[],
    size: number,
    { ttl = DEFAULT_TTL }: Times = {},
  ): void {
    this.set(name, addresses, { ttl });
    this.#samples.set(name, { size, next: 0 });
  }

  /** Makes a name an alias, in place of all it had. */
  setAlias(name: string, target: string, { ttl = DEFAULT_TTL }: Times = {}): void {
    this.setRecords(name, [{ type: 'CNAME', target, ttl }]);
  }

  /** Gives a name, say `_http._tcp.orders.test`, these SRV records, in place of all it had. */
  setServices(name: string, targets: readonly ServiceTarget[], { ttl = DEFAULT_TTL }: Times = {}): void {
    this.setRecords(
      name,
      targets.map((target) => ({ type: 'SRV', priority: 0, weight: 0, ttl, ...target })),
    );
  }

  /** Gives a name these records, in place of all it had. */
  setRecords(name: string, records: readonly DnsRecord[]): void {
    this.#samples.delete(name);
    this.#records.set(name, records);
  }

  /** From now on the name doesn't exist: NXDOMAIN. So it is with names that were never set. */
  remove(name: string): void {
    this.#records.delete(name);
  }

  /** Treats questions for a name, or for all with `*`, badly from now on. */
  misbehave(name: string, behaviour: Behaviour): void {
    this.#behaviours.set(name, behaviour);
  }

  /** Answers again what `misbehave` spoilt. */
  behave(name: string): void {
    this.#behaviours.delete(name);
  }

  /** Keeps answers for a name, or for all with `*`, until the function that it returns is called. */
  hold(name: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#holds.set(name, promise);
    return () => {
      this.#holds.delete(name);
      resolve();
    };
  }

  /** All questions so far, answered or not, in order. */
  get questions(): readonly AskedQuestion[] {
    return this.#questions;
  }

  /** How many questions there were so far for a name, of one type or of any. */
  count(name: string, type?: RecordType): number {
    return this.#questions.filter((asked) => asked.name === name && (!type || asked.type === type)).length;
  }

  /** Waits until there were so many questions for the name, since the start. */
  async received(name: string, times = 1): Promise<void> {
    while (this.count(name) < times) await once(this.#asked, 'question');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([closed(this.#sockets.udp), this.#sockets.tcp && closed(this.#sockets.tcp)]);
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    // A client that hangs up in the middle is no error of the server's.
    socket.on('error', () => {});
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = received.subarray(2, end);
        received = received.subarray(end);
        void this.#answer(message, 'tcp', (response) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(response.length);
          socket.write(Buffer.concat([length, response]));
        });
      }
    });
  }

  async #answer(message: Buffer, transport: 'udp' | 'tcp', send: (response: Buffer) => void): Promise<void> {
    const question = parseQuestion(message);
    this.#questions.push({ name: question.name, type: question.type, transport });
    this.#asked.emit('question');
    await (this.#holds.get(question.name) ?? this.#holds.get(ANY));
    const behaviour = this.#behaviours.get(question.name) ?? this.#behaviours.get(ANY);
    if (behaviour === 'silent') return;
    if (behaviour && 'silentOn' in behaviour && behaviour.silentOn === question.type) return;
    if (behaviour && 'delay' in behaviour) await setTimeout(behaviour.delay, undefined, { ref: false });
    if (this.#closed) return;
    const { rcode, answers } =
      behaviour && 'rcode' in behaviour && (behaviour.type ?? question.type) === question.type
        ? { rcode: behaviour.rcode, answers: [] }
        : this.#find(question);
    send(writeResponse(question, rcode, answers, transport === 'udp' ? UDP_LIMIT : TCP_LIMIT));
  }

  #find({ name, type }: Question): { rcode: Rcode; answers: Answer[] } {
    const answers: Answer[] = [];
    const seen = new Set<string>();
    for (let current = name; !seen.has(current); ) {
      seen.add(current);
      const records = this.#records.get(current);
      if (records === undefined) return { rcode: 'NXDOMAIN', answers };
      const owner = current;
      const alias = records.find((record) => record.type === 'CNAME');
      const matching = alias
        ? [alias]
        : this.#sampled(
            current,
            records.filter((record) => record.type === type),
          );
      answers.push(...matching.map((record) => ({ name: owner, record })));
      if (alias && type !== 'CNAME') current = alias.target;
    }
    return { rcode: 'NOERROR', answers };
  }

  #sampled(name: string, records: DnsRecord[]): DnsRecord[] {
    const sample = this.#samples.get(name);
    if (sample === undefined || records.length === 0) return records;
    const start = sample.next;
    sample.next = (start + sample.size) % records.length;
    return [...records.slice(start), ...records.slice(0, start)].slice(0, sample.size);
  }
}

interface Sockets {
  readonly udp: UdpSocket;
  readonly tcp: TcpServer | undefined;
}

/** Binds both to one port. */
async function listen(host: string, tcp: boolean): Promise<Sockets> {
  for (;;) {
    const udp = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    udp.bind(0, host);
    await once(udp, 'listening');
    if (!tcp) return { udp, tcp: undefined };
    const server = createServer();
    try {
      server.listen(udp.address().port, host);
      await once(server, 'listening');
      return { udp, tcp: server };
    } catch (error) {
      await closed(udp);
      // Somebody has this port on TCP.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

function closed(socket: UdpSocket | TcpServer): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve());
  });
}
