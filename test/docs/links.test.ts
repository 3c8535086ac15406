import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { page } from '../support/readme.ts';

const ROOT = join(import.meta.dirname, '../..');
const ROOT_PAGES = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'];

test('all links lead somewhere', () => {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const texts = new Map(
    pages.filter((name) => name.endsWith('.md')).map((name) => [`docs/${name}`, page(name)]),
  );
  for (const name of ROOT_PAGES) texts.set(name, readFileSync(join(ROOT, name), 'utf8'));
  for (const [from, text] of texts) {
    for (const [, link, image] of text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)) {
      const target = link ?? image ?? '';
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? from : join(from, '..', path);
      assert.ok(existsSync(join(ROOT, file)), `${from}: ${target}`);
      if (anchor === undefined) continue;
      const headings = (texts.get(file) ?? '').matchAll(/^#+ (.*)$/gm);
      assert.ok(Array.from(headings, ([, heading]) => slug(heading!)).includes(anchor), `${from}: ${target}`);
    }
  }
});

/** A heading's anchor, as GitHub makes it. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
