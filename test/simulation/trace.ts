/** What happened, in numbers: words are made of it only when somebody reads it. */
export type Fact =
  | 'taken'
  | 'waits'
  | 'sent'
  | 'reached'
  | 'head'
  | 'end'
  | 'unsent'
  | 'refused'
  | 'broken'
  | 'cut'
  | 'gives up'
  | 'fails'
  | 'dial'
  | 'knock'
  | 'check'
  | 'dial fails'
  | 'abandoned'
  | 'opens'
  | 'retired'
  | 'closed'
  | 'peer closes'
  | 'happening'
  | 'discovery'
  | 'ejected'
  | 'restored'
  | 'removed'
  | 'violated'
  | 'closing'
  | 'ended';

interface Entry {
  readonly at: number;
  readonly fact: Fact;
  /** The call, or -1; the wire, or -1; the pod, or -1. */
  readonly call: number;
  readonly wire: number;
  readonly pod: number;
  readonly note: string;
}

/** The last things that happened, or all of them. */
export class Trace {
  readonly #most: number;
  #ended = false;
  #entries: Entry[] = [];

  /** @param most of which the older half is forgotten when there are more; 0: none is noted */
  constructor(most: number) {
    this.#most = most;
  }

  get notes(): boolean {
    return this.#most > 0;
  }

  note(at: number, fact: Fact, call: number, wire: number, pod: number, note = ''): void {
    if (this.#most === 0 || this.#ended) return;
    this.#entries.push({ at, fact, call, wire, pod, note });
    if (this.#entries.length > this.#most) this.#entries = this.#entries.slice(-this.#most / 2);
  }

  /** The last thing that is told. */
  end(at: number, note: string): void {
    this.note(at, 'violated', -1, -1, -1, note);
    this.#ended = true;
  }

  /** As a story, a line for each. */
  get lines(): string[] {
    return this.#entries.map(lineOf);
  }
}

function lineOf({ at, fact, call, wire, pod, note }: Entry): string {
  const subjects = [
    call >= 0 && `call ${call}`,
    wire >= 0 && `connection ${wire}`,
    pod >= 0 && `pod ${pod}`,
  ].filter(Boolean);
  const milliseconds = (at / 1_000).toFixed(3).padStart(12);
  return `${milliseconds}  ${fact.padEnd(11)} ${subjects.join(', ')}${note === '' ? '' : `  ${note}`}`.trimEnd();
}
