import { execFileSync } from 'node:child_process';
import { KubeProxy } from './kube-proxy.ts';
import { Namespace, removeStale } from './namespace.ts';

const PACKAGES = ['iproute2', 'iptables'];
/** Milliseconds. */
const INSTALL_TIMEOUT = 120_000;

/** Why there can't be network namespaces with iptables here; installs what is missing for them. */
export async function findObstacle(): Promise<string | undefined> {
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
      timeout: INSTALL_TIMEOUT,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('update');
  apt('install', '--yes', '--no-install-recommends', ...PACKAGES);
}
