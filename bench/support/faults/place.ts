import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { Namespace } from '../../../test/netns/bed/namespace.ts';
import { findObstacle } from '../../../test/netns/bed/obstacle.ts';
import { atExit } from '../at-exit.ts';

/** Where all processes of a bench run: in a network namespace of its own, if there can be one. */
export class Place {
  /** Why there is no namespace, and so no way to lose packets. */
  readonly obstacle: string | undefined;
  readonly #namespace: Namespace | undefined;
  readonly #children = new Set<ChildProcess>();

  static async create(): Promise<Place> {
    return new Place(await findObstacle());
  }

  private constructor(obstacle: string | undefined) {
    this.obstacle = obstacle;
    this.#namespace = obstacle === undefined ? new Namespace() : undefined;
    atExit(() => this.#clear());
  }

  /** Starts a command that ends with this process. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const line = [...this.#prefix, command, ...args];
    const child = spawn(line[0]!, line.slice(1), options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Starts a script, with a channel for messages. */
  fork(script: URL): ChildProcess {
    const child = this.spawn(process.execPath, [script.pathname], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    // The channel of a child that was killed: its end is told by `exit`.
    child.on('error', () => {});
    return child;
  }

  /** Loses all packets to and from an address, or no longer. */
  losePackets(address: string, lost: boolean): void {
    const change = lost ? '-A' : '-D';
    for (const rule of [
      ['INPUT', '-d', address],
      ['OUTPUT', '-s', address],
    ]) {
      this.#namespace!.run('iptables', ['-w', '5', change, ...rule, '-j', 'DROP']);
    }
  }

  get #prefix(): readonly string[] {
    return this.#namespace === undefined ? [] : ['ip', 'netns', 'exec', this.#namespace.name];
  }

  #clear(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    if (this.#namespace !== undefined) execFileSync('ip', ['netns', 'del', this.#namespace.name]);
  }
}
