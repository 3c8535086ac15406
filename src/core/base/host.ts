import { homedir, hostname, type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Environment, environment } from './environment.ts';

// What the system knows about this host. A uid that isn't in passwd has no home, and a sandbox may forbid any of these
// questions. None of the answers is worth a failure.

/** Replaces the host name if the host doesn't tell it. Differs from process to process. */
const UNNAMED = `unnamed-${Math.random().toString(36).slice(2)}`;

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Tells this host from others. In a pod, this is the name of the pod. */
export function hostName(env: Environment = environment()): string {
  return unlessRefused(hostname) || env.HOSTNAME || UNNAMED;
}

/** The home directory of the user, if there is one. */
export function homeDirectory(): string | undefined {
  return unlessRefused(homedir) || undefined;
}

/** The addresses by network interface; none if the process may not ask. */
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
