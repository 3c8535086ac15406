import { isIP } from 'node:net';
import { withoutBrackets } from '../../base/without-brackets.ts';
import type { Resolution, Resolver, ResolveTarget } from '../resolver.ts';
import type { DnsSettings } from '../settings.ts';
import { staticResolver } from '../static.ts';
import { DnsClient, type DnsClientOptions } from './dns-client.ts';
import { History } from './history.ts';
import { Recheck } from './recheck.ts';

export type DnsResolverOptions = DnsSettings & DnsClientOptions;

/**
 * Makes a resolver that looks host names up as the system would, and again when the answer's time to live is over. All
 * services that follow the same name share its look-ups. A host name that is an IP address is its own endpoint. A name
 * of the form `_port._proto.name` has the ports of its SRV records.
 *
 * A failure is yielded as an error, and what was known stays known. If a name is gone, that is an error like
 * getaddrinfo's. If the name had addresses, they are withdrawn first, for `negativeHold`. If none of the addresses can be
 * connected, or none soon, the name is asked for at once: a client that resolves it for each connection would know more.
 */
export function dnsResolver(options: DnsResolverOptions, client = new DnsClient(options)): Resolver {
  return (target, signal) => {
    const address = withoutBrackets(target.hostname);
    return isIP(address) === 0
      ? follow(client, options, target, signal)
      : staticResolver([{ address, port: target.port }])(target, signal);
  };
}

async function* follow(
  client: DnsClient,
  options: DnsResolverOptions,
  { hostname, port }: ResolveTarget,
  signal: AbortSignal,
): AsyncGenerator<Resolution, void, undefined> {
  const history = new History({ ...options, port });
  const recheck = new Recheck(options.clock);
  let after = Number.NEGATIVE_INFINITY;
  const onSlow = () => {
    recheck.demandWhileSlow();
    void client.turnIfQuicker(hostname, port, signal).then((isTurned) => isTurned && recheck.demand());
  };
  while (!signal.aborted) {
    const outcome = await client.ask(hostname, signal, after, recheck.isUnreachable);
    if (outcome === undefined || signal.aborted) return;
    const { resolution, askAgainAt } = history.record(outcome);
    recheck.answered(outcome.askedAt, outcome.questions);
    yield 'endpoints' in resolution ? { ...resolution, onUnreachable: recheck.demand, onSlow } : resolution;
    after = await recheck.wait(askAgainAt, signal);
  }
}
