import { readFileSync } from 'node:fs';

/** A fenced block of the documentation. */
export interface Example {
  readonly language: string;
  readonly code: string;
  /** The line on which the code begins. */
  readonly line: number;
}

export const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** Another page of the documentation. */
export function page(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
}

export function examples(language: string, text = README): Example[] {
  return Array.from(text.matchAll(/^```(\w+)\n(.*?)^```$/gms), ({ index, 1: name, 2: code }) => ({
    language: name!,
    code: code!,
    line: text.slice(0, index).split('\n').length + 1,
  })).filter((example) => example.language === language);
}

/** The rows of the tables of a page whose first column has that title, by cells. */
export function rowsUnder(title: string, text: string): string[][] {
  const tables = text.split('\n\n').filter((block) => block.startsWith(`| ${title} |`));
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );
}

/** What stands between backquotes in a text. */
export function quoted(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, inside]) => inside!);
}
