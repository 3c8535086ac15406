import { wallClock } from '../base/clock.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * How many milliseconds a pause lasts at most. After that the endpoint is asked again, so that no server can leave for
 * good.
 */
export const LONGEST_PAUSE = 30_000;

/**
 * For how many milliseconds a response asks for no requests; 0 if it doesn't.
 * https://www.rfc-editor.org/rfc/rfc9110.html#name-retry-after
 */
export function retryAfter(headers: Headers): number {
  const value = one(headers['retry-after'])?.trim() ?? '';
  const asked = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - sentAt(headers);
  return asked > 0 ? Math.min(asked, LONGEST_PAUSE) : 0;
}

/**
 * When the response was sent: by the clock of the server if it says, because the date in Retry-After is by that clock
 * too.
 */
function sentAt(headers: Headers): number {
  const date = Date.parse(one(headers.date) ?? '');
  return Number.isNaN(date) ? wallClock() : date;
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
