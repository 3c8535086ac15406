import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import type { TestContext } from 'node:test';
import { Agent } from 'undici';

/** undici's own Agent, which resolves its names, for each connection, by that name server as getaddrinfo would. */
export function startStock(t: TestContext, server: string): Agent {
  const lookup = ((hostname, _options, callback) => {
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    resolver.setServers([server]);
    resolver.resolve4(hostname).then(
      (addresses) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        ),
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  }) as LookupFunction;
  const agent = new Agent({ connect: { lookup } });
  t.after(() => agent.destroy());
  return agent;
}
