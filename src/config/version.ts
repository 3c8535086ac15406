/** evenkeel's, as its package has it; none where a bundler has put it into another one. */
export function ownVersion(): string {
  try {
    const { createRequire } = process.getBuiltinModule('node:module');
    const manifest = createRequire(import.meta.url)('evenkeel/package.json') as { version: string };
    return manifest.version;
  } catch {
    return 'of unknown version';
  }
}
