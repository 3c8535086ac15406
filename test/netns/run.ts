import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { KubeProxy } from './bed/kube-proxy.ts';
import { Namespace, removeStale } from './bed/namespace.ts';

const PACKAGES = ['iproute2', 'iptables'];
/** Files that run at a time: most of them wait most of the time. */
const AT_ONCE = 4;
/** Measures milliseconds, and so comes alone. */
const ALONE = 'rotation.netns.ts';

const obstacle = await findObstacle();
if (obstacle !== undefined) {
  console.log(`test:netns skipped: ${obstacle}`);
} else {
  const files = globSync(`${import.meta.dirname}/*.netns.ts`);
  const together = files.filter((file) => !file.endsWith(ALONE));
  const alone = files.filter((file) => file.endsWith(ALONE));
  for (const group of [together, alone]) await runTests(group);
}

/** Why there can't be network namespaces with iptables here; installs what is missing for them. */
async function findObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  try {
    if (!isInstalled('ip') || !isInstalled('iptables')) install();
    removeStale();
    const namespace = new Namespace();
    try {
      const service = { name: 'probe', clusterIp: '10.96.0.1', port: 80 };
      new KubeProxy(namespace, service).setPods(['10.244.1.1', '10.244.1.2']);
    } finally {
      await namespace.remove();
    }
  } catch (error) {
    const reason = (error as Error).message.trim().split('\n').at(-1);
    return `needs network namespaces and iptables (${reason})`;
  }
  return undefined;
}

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function install(): void {
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-qq', ...args], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('update');
  apt('install', '--yes', '--no-install-recommends', ...PACKAGES);
}

async function runTests(files: readonly string[]): Promise<void> {
  const args = ['--test', '--test-timeout=240000', `--test-concurrency=${AT_ONCE}`, ...files];
  const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
  if (code !== 0) process.exitCode = 1;
}
