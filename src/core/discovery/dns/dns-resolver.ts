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
 * Makes a resolver that looks host names up as the system would, and again when the answer's time to live
 * has run out. All services that follow the same name with it share its look-ups. A host name that is
 * an IP address is its own endpoint; one of the form `_port._proto.name` has the ports of its SRV records.
 *
 * A failure is yielded as an error; it changes nothing of what was known. A name that has gone is an error
 * like getaddrinfo's, or, if it had addresses, first withdraws them for `negativeHold`. Where none of the addresses
 * can be connected to, or none soon, the name is asked for at once, as whoever resolves it for each connection does.
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
