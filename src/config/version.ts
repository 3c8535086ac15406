/** The version of evenkeel, from its package; `undefined` if a bundler has put evenkeel into another package. */
export function ownVersion(): string {
  try {
    const { createRequire } = process.getBuiltinModule('node:module');
    const manifest = createRequire(import.meta.url)('evenkeel/package.json') as { version: string };
    return manifest.version;
  } catch {
    return 'of unknown version';
  }
}
