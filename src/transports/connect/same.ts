import { identityOf } from '../common/identity-of.ts';

/** A text that two values have in common if they say the same. Functions, and objects of a class, are the same only as such. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`;
  if (typeof value === 'function') return identityOf(value);
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return identityOf(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const texts = entries.map(([name, each]) => `${JSON.stringify(name)}:${textOf(each)}`);
  return `{${texts.sort().join()}}`;
}
