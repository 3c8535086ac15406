import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** So many files at most: a group is to end long before the limit for a test, which holds for a group as well. */
const MOST = 6;
/** What a file does that changes or measures what all of its process share. Such a file has a process of its own. */
const PROCESS_WIDE =
  /install\w*\(|\b(?:identify|setGlobalDispatcher|gc)\(|\bprocess\.(?:env|on)\b|register\.ts/i;

/**
 * Puts test files of the same folder together into one process each. Most of what a short one does is to start, and to load
 * what it tests: a quarter of a second to a whole one.
 *
 * @param pattern of the files
 * @param root the folder of the project, from which the pattern goes
 * @returns the programs to run as tests: files that import those of a group, and files that stand alone
 */
export function groupsOf(pattern: string, root: string): string[] {
  const byFolder = new Map<string, string[]>();
  const programs: string[] = [];
  for (const file of globSync(pattern, { cwd: root }).sort()) {
    if (PROCESS_WIDE.test(readFileSync(join(root, file), 'utf8'))) programs.push(file);
    else byFolder.set(dirname(file), [...(byFolder.get(dirname(file)) ?? []), file]);
  }
  const place = join(root, 'node_modules/.cache/test-groups');
  mkdirSync(place, { recursive: true });
  for (const [folder, files] of byFolder) {
    const size = Math.ceil(files.length / Math.ceil(files.length / MOST));
    for (let from = 0; from < files.length; from += size) {
      programs.push(write(place, folder, files.slice(from, from + size), root));
    }
  }
  return programs;
}

/** Writes a program that imports files. Its name stays the same as long as they do, so that its compiled form can be kept. */
function write(place: string, folder: string, files: readonly string[], root: string): string {
  const text = files.map((file) => `import '${pathToFileURL(join(root, file)).href}';\n`).join('');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const program = join(place, `${folder.replaceAll('/', '-')}-${hash}.mjs`);
  // Another run may read it at this moment.
  const unfinished = `${program}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, program);
  return program;
}
