// A script that sends a few requests, and has nothing more to do when it says so.

import { flatOut } from '../../../bench/support/load.ts';
import type { BalancedAgentOptions } from '../../../src/index.ts';
import { BalancedAgent } from '../../../src/index.ts';

const { origin, dns, options } = JSON.parse(process.argv[2]!) as {
  origin: string;
  dns: string;
  options: BalancedAgentOptions;
};
const agent = new BalancedAgent({ discovery: 'dns', dns: { servers: [dns] }, ...options });

await flatOut(
  async () => {
    const { body } = await agent.request({ origin, path: '/', method: 'GET' });
    await body.dump();
  },
  100,
  8,
);
process.send!('done');
