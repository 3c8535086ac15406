import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';

/**
 * Profiles the CPU of this process from now on.
 *
 * @param interval microseconds between samples; V8's own by default
 */
export async function startProfiler(interval?: number): Promise<{ stop(): Promise<Profiler.Profile> }> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  if (interval !== undefined) await session.post('Profiler.setSamplingInterval', { interval });
  await session.post('Profiler.start');
  return {
    async stop() {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return profile;
    },
  };
}
