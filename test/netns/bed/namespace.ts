import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';

const PREFIX = 'evenkeel';

let created = 0;

/** A network namespace: nothing in it can reach anything outside, nor be reached. Needs root and iproute2. */
export class Namespace {
  readonly name = `${PREFIX}-${process.pid}-${++created}`;
  readonly #children = new Set<ChildProcess>();

  constructor() {
    ip('netns', 'add', this.name);
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
  }

  /** Makes IPv4 addresses of this namespace's own. */
  addAddresses(addresses: readonly string[]): void {
    const commands = addresses.map((address) => `addr add ${address}/32 dev lo\n`).join('');
    execFileSync('ip', ['-n', this.name, '-batch', '-'], { input: commands });
  }

  /** Routes what nobody has the address of to where iptables may change it. */
  addRoute(subnet: string): void {
    ip('-n', this.name, 'route', 'add', subnet, 'dev', 'lo');
  }

  /** Runs a command inside. */
  run(command: string, args: readonly string[], input = ''): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...args], { input, encoding: 'utf8' });
  }

  /** Starts a script inside, with a channel for messages, and what is loaded before it; it ends with the namespace. */
  fork(script: URL, args: readonly string[] = [], preloads: readonly URL[] = []): ChildProcess {
    const imports = preloads.map(({ href }) => `--import=${href}`);
    const node = [process.execPath, ...imports, script.pathname, ...args];
    const child = spawn('ip', ['netns', 'exec', this.name, ...node], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.add(child);
    return child;
  }

  async remove(): Promise<void> {
    const ended = Array.from(this.#children, (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return undefined;
      child.kill('SIGKILL');
      return once(child, 'exit');
    });
    await Promise.all(ended);
    ip('netns', 'del', this.name);
  }
}

/** Starts a namespace that ends with the test, and all that runs in it. */
export function startNamespace(t: TestContext): Namespace {
  const namespace = new Namespace();
  t.after(() => namespace.remove());
  return namespace;
}

/** Removes the namespaces of processes that were killed. */
export function removeStale(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const [name = ''] = line.split(' ');
    const [prefix, pid] = name.split('-');
    if (prefix === PREFIX && !existsSync(`/proc/${pid}`)) ip('netns', 'del', name);
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
