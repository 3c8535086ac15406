import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { join } from 'node:path';

/** A client of the app's that the preload doesn't balance by itself. */
export interface ClientSeen {
  /** Of its package. */
  readonly name: string;
  readonly version: string;
  /** What evenkeel does with its calls, and what the app has to do for that. */
  readonly how: string;
}

const KNOWN: Readonly<Record<string, string>> = {
  '@connectrpc/connect-node':
    'evenkeel balances its calls over HTTP/2 if you give its transports sessionManager: balancedSessions(baseUrl), see docs/connect.md',
};

/** Those that lie in a folder, or above. Whether the app uses them nobody knows. */
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
    // It isn't there.
    return undefined;
  }
}
