import { execFileSync, spawnSync } from 'node:child_process';

/**
 * Installs a Debian package if its command is missing and that is possible.
 *
 * @returns why there is no such command, if there is none
 */
export function obtain(command: string, packageName: string): string | undefined {
  if (isInstalled(command)) return undefined;
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', packageName];
  if (process.getuid?.() !== 0) return `needs ${command}; on Debian: ${install.join(' ')}`;
  console.error(`${command} is missing: ${install.join(' ')}`);
  try {
    execFileSync(install[0]!, install.slice(1), {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (error) {
    return `needs ${command} (${(error as Error).message})`;
  }
  return isInstalled(command) ? undefined : `${command} is installed, yet not on PATH`;
}

function isInstalled(command: string): boolean {
  return spawnSync(command, ['-v'], { stdio: 'ignore' }).error === undefined;
}
