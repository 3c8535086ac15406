import { readFileSync, statSync } from 'node:fs';

/** A small text file that is read and parsed again when it has changed. If it can't be read, it counts as empty. */
export class ParsedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #stamp: string | undefined;
  #value: T;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.#value = parse('');
  }

  // Synchronous, because it takes microseconds, while the thread pool may be full of hanging getaddrinfo calls.
  read(): T {
    const stamp = this.#currentStamp();
    if (stamp === this.#stamp) return this.#value;
    this.#value = this.#parse(this.#text());
    this.#stamp = stamp;
    return this.#value;
  }

  #currentStamp(): string {
    try {
      const { ino, size, mtimeNs } = statSync(this.#path, { bigint: true });
      return `${ino} ${size} ${mtimeNs}`;
    } catch {
      return 'unreadable';
    }
  }

  #text(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch {
      return '';
    }
  }
}
