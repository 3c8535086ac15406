import { identityOf } from '../common/identity-of.ts';

/**
 * A text that is equal for values that mean the same. Functions, and objects of a class, are equal only if they are
 * identical.
 */
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
