import { homedir, hostname, type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Environment, environment } from './environment.ts';

// What the system says of this host, as far as it says it: a uid that is in no passwd has no home, and a sandbox
// may forbid any of these questions. Nothing of it is worth failing for.

/** Stands for the name of a host that doesn't tell its own: another in each process. */
const UNNAMED = `unnamed-${Math.random().toString(36).slice(2)}`;

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Tells this host from others: in a pod, the name of the pod. */
export function hostName(env: Environment = environment()): string {
  return unlessRefused(hostname) || env.HOSTNAME || UNNAMED;
}

/** The user's directory, where there is one. */
export function homeDirectory(): string | undefined {
  return unlessRefused(homedir) || undefined;
}

/** Addresses by network interface; none where that may not be known. */
export function interfacesOfHost(ask: () => Interfaces = networkInterfaces): Interfaces {
  return unlessRefused(ask) ?? {};
}

function unlessRefused<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
