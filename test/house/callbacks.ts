import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from './imports.ts';

/** What others call, or have us call, has the shape that they give it: undici 6's and 7's handlers, Node's streams, grpc-js. */
const OF_OTHERS = ['LegacyHandler', 'Stream', 'PickResult', 'CallListener', 'ResolverListener'];
const NAMED = /^(\w*(Owner|Listener|Events|Watcher|Parts)|Waiters|Board)$/;

/** The interfaces by which parts call back: those that are named so, and those by which somebody is told of two things or more. */
export function callbacksIn(text: string): string[] {
  const declared = text.matchAll(/^(?:export )?(?:interface|type) (\w+)[^{;]*\{\n([\s\S]*?)^\}/gm);
  return Array.from(declared, ([, name, body]) => ({
    name: name!,
    told: body!.match(/^ {2}(readonly )?on[A-Z]\w*\??(\(|: \()/gm),
  }))
    .filter(({ name, told }) => NAMED.test(name) || (told?.length ?? 0) > 1)
    .map(({ name }) => name)
    .filter((name) => !OF_OTHERS.includes(name));
}

/** The names of all such interfaces in a folder, in order. */
export function callbacksOf(sources: readonly Source[], folder: string): string[] {
  const texts = sources.map(({ file }) => readFileSync(join(folder, file), 'utf8'));
  return [...new Set(texts.flatMap(callbacksIn))].toSorted();
}
