import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A file and what it imports of ours, types and late imports included. Paths are below `src/`. */
export interface Source {
  readonly file: string;
  readonly imports: readonly string[];
}

/**
 * The parts of the house, from the ground up: what stands in one imports what stands in it, or below. The first that a
 * path begins with is its part.
 */
export const PARTS: readonly string[] = [
  'core/base/',
  'core/discovery/',
  'core/balancing/',
  'core/endpoints/',
  'core/health/',
  'core/connections/',
  'core/calls/',
  'core/',
  'config/',
  'telemetry/',
  'transports/kubernetes-api/',
  'transports/resolver-for.ts',
  'transports/balanced-sockets.ts',
  'transports/common/',
  'transports/global/',
  'observe/',
  'admin/',
  'transports/http/',
  'transports/undici/',
  'transports/grpc/',
  'transports/connect/',
  'http.ts',
  'servers/',
  'parts.ts',
  'observing.ts',
  'install.ts',
  'index.ts',
  'cli/',
  '',
];

const IMPORT = /(?:from |import\(|import )'(\.{1,2}\/[^']+)'/g;

/** What is imported in a text that stands at that path. */
export function sourceOf(file: string, text: string): Source {
  const imports = Array.from(text.matchAll(IMPORT), ([, path]) => normalize(join(dirname(file), path!)));
  return { file, imports };
}

/** All files of a folder. */
export function sourcesIn(folder: string): Source[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.c?ts$/.test(file),
  );
  return files.map((file) => sourceOf(file, readFileSync(join(folder, file), 'utf8')));
}

/** The imports that point up. */
export function upward(sources: readonly Source[]): string[] {
  return sources.flatMap(({ file, imports }) =>
    imports.filter((path) => heightOf(path) > heightOf(file)).map((path) => `${file} -> ${path}`),
  );
}

/** The circles of imports: each by the files on it, once. */
export function circles(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((source) => [source.file, source.imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    if (start >= 0) found.push([...way.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

function heightOf(file: string): number {
  return PARTS.findIndex((part) => file.startsWith(part));
}
