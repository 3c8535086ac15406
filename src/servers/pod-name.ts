import { randomBytes } from 'node:crypto';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** The key under which a thread leaves the name for threads that it starts. */
const KEY = 'evenkeel:pod';

let name: string | undefined;

/** The name of this process. It is random, so it tells nothing else, and all threads of the process have the same. */
export function podName(): string {
  if (name !== undefined) return name;
  const inherited = getEnvironmentData(KEY);
  name = typeof inherited === 'string' ? inherited : randomBytes(12).toString('base64url');
  setEnvironmentData(KEY, name);
  return name;
}
