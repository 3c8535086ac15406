// Sends many requests with each client, one way, in a process of its own; the pods count.
import { createRequire } from 'node:module';
import { prepare } from '../prepare.ts';
import { ADAPTERS, type Client } from './adapters.ts';

const WARM_UP = 200;

export interface Setting {
  readonly way: 'preloaded' | 'by hand';
  readonly origin: string;
  readonly clients: readonly string[];
  readonly requests: number;
  readonly concurrency: number;
}

const { way, origin, clients, requests, concurrency }: Setting = JSON.parse(process.argv[2]!);
const makeAgent = await prepare(way, createRequire(import.meta.url));
for (const name of clients) {
  const send = ADAPTERS[name]!.client(makeAgent());
  // Until each pod is connected, those that are have more.
  await sendMany(send, WARM_UP);
  await tell('');
  await sendMany(send, requests);
  await tell(name);
}
process.disconnect();

async function sendMany(send: Client, count: number): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await send(`${origin}/`, { method: 'GET' });
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** The pods are asked for their counts before it goes on; '' for those that don't count. */
async function tell(client: string): Promise<void> {
  await new Promise((resolve) => {
    process.once('message', resolve);
    process.send!(client);
  });
}
