import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { join } from 'node:path';

/** A client package whose calls the preload doesn't balance by itself. */
export interface ClientSeen {
  /** The name of its package. */
  readonly name: string;
  readonly version: string;
  /** How evenkeel balances its calls, and what the app must do for that. */
  readonly how: string;
}

const KNOWN: Readonly<Record<string, string>> = {
  '@connectrpc/connect-node':
    'evenkeel balances its calls over HTTP/2 if you give its transports sessionManager: balancedSessions(baseUrl), see docs/connect.md',
};

/** The client packages that are installed in a folder or above it. Nobody knows whether the app uses them. */
export function clientsIn(folder: string): ClientSeen[] {
  return Object.entries(KNOWN).flatMap(([name, how]) => {
    const version = versionOf(name, folder);
    return version === undefined ? [] : [{ name, version, how }];
  });
}

function versionOf(name: string, folder: string): string | undefined {
  try {
    const manifest = findPackageJSON(name, join(folder, 'package.json'));
    return manifest && (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
  } catch {
    // It isn't installed.
    return undefined;
  }
}
