import type { Asked } from '../call.ts';
import type { Draws } from '../draws.ts';

/** How a caller makes a request. */
export interface Manner {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What it writes; each part but the first comes after a pause, in microseconds. */
  readonly body: readonly string[];
  readonly pause: number;
  /** Its option `timeout`, in milliseconds; 0: none. It ends what times out. */
  readonly timeout: number;
  /** Whether it listens for its socket. */
  readonly listens: boolean;
  /** Microseconds after the head of an answer after which it reads the body. */
  readonly readsAfter: number;
  /** Whether it ends the request as soon as it has made it. */
  readonly endsAtOnce: boolean;
  /** Whether it gives an error as it ends a request. */
  readonly saysWhy: boolean;
}

const SAFE = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS'];
const WITH_BODY = ['PUT', 'DELETE'];

/** How a caller makes one request; `isPrompt`: it reads an answer as it comes, and waits for it. */
export function mannerOf(draws: Draws, { repeatable, lasting, upgrades }: Asked, isPrompt: boolean): Manner {
  const hasBody = !lasting && (!repeatable || draws.next() < 0.2);
  const methods = !repeatable ? ['POST', 'PATCH'] : hasBody ? WITH_BODY : lasting ? ['GET'] : SAFE;
  const isInParts = hasBody && draws.next() < 0.3;
  const body = isInParts ? ['one', 'two', ''].slice(0, 2 + draws.below(2)) : hasBody ? ['whole'] : [''];
  const expects = hasBody && draws.next() < 0.1;
  const headers = {
    ...(expects && { expect: '100-continue' }),
    ...(upgrades && { connection: 'upgrade', upgrade: 'simulated' }),
    ...(lasting && !upgrades && { accept: 'text/event-stream' }),
  };
  return {
    method: methods[draws.below(methods.length)]!,
    headers,
    body,
    pause: draws.below(30_000) + 1,
    timeout: !isPrompt && !lasting && draws.next() < 0.1 ? draws.below(3_000) + 1 : 0,
    listens: draws.next() < 0.2,
    readsAfter: !isPrompt && draws.next() < 0.05 ? draws.below(50_000) + 1 : 0,
    saysWhy: draws.next() < 0.5,
    endsAtOnce: !isPrompt && draws.next() < 0.005,
  };
}
