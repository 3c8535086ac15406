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
  const asking: Resolver[] = [];
  const lookup = ((hostname, _options, callback) => {
    const mine = [servers].flat().map((server) => {
      const resolver = new Resolver({ timeout: 5_000, tries: 2 });
      resolver.setServers([server]);
      return resolver;
    });
    asking.push(...mine);
    const none = () => [];
    const ask4 = () => inTurn(mine, (resolver) => resolver.resolve4(hostname));
    const ask6 = () => inTurn(mine, (resolver) => resolver.resolve6(hostname));
    const asked = families === 4 ? [ask4()] : [ask4().catch(none), ask6().catch(none)];
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
    for (const resolver of asking) resolver.cancel();
    await agent.destroy();
  });
  return agent;
}

// c-ares, as Node has it, takes the first answer for the last word, which glibc doesn't.
const UNABLE = new Set(['ESERVFAIL', 'ENOTIMP', 'EREFUSED', 'ETIMEOUT', 'ECONNREFUSED']);

async function inTurn(
  resolvers: readonly Resolver[],
  question: (resolver: Resolver) => Promise<string[]>,
): Promise<string[]> {
  let failure: unknown;
  for (const resolver of resolvers) {
    try {
      return await question(resolver);
    } catch (error) {
      failure = error;
      if (!UNABLE.has((error as NodeJS.ErrnoException).code ?? '')) break;
    }
  }
  throw failure;
}
