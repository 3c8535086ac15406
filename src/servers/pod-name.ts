import { randomBytes } from 'node:crypto';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** Where a thread leaves the name for those that it starts. */
const KEY = 'evenkeel:pod';

let name: string | undefined;

/** The name of this process: drawn at random, so that it tells nothing else, and the same in all its threads. */
export function podName(): string {
  if (name !== undefined) return name;
  const inherited = getEnvironmentData(KEY);
  name = typeof inherited === 'string' ? inherited : randomBytes(12).toString('base64url');
  setEnvironmentData(KEY, name);
  return name;
}
