import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { TestContext } from 'node:test';
import { Agent } from 'undici';

/**
 * undici's own Agent, which resolves its names, for each connection, by those name servers as getaddrinfo would: to
 * IPv4 addresses, or to those of both families.
 */
export function startStock(
  t: TestContext,
  servers: string | readonly string[],
  families: 4 | 'both' = 4,
): Agent {
  const resolvers: Resolver[] = [];
  const lookup = ((hostname, _options, callback) => {
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    resolvers.push(resolver);
    resolver.setServers([servers].flat());
    const none = () => [];
    const asked =
      families === 4
        ? [resolver.resolve4(hostname)]
        : [resolver.resolve4(hostname).catch(none), resolver.resolve6(hostname).catch(none)];
    Promise.all(asked).then(
      (answers) =>
        callback(
          null,
          answers.flat().map((address) => ({ address, family: isIP(address) })),
        ),
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  }) as LookupFunction;
  const agent = new Agent({ connect: { lookup } });
  t.after(async () => {
    // Questions that nobody answers would hold the process until their time is over.
    for (const resolver of resolvers) resolver.cancel();
    await agent.destroy();
  });
  return agent;
}
