import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { until } from '../dns/abortable.ts';

const FIRST_INTERVAL = 1_000;
const LAST_INTERVAL = 60_000;
// The kernel writes listening sockets first, 150 bytes for each. A busy pod has thousands of other sockets.
const MOST_BYTES = 64 * 1024;
const LISTENS = '0A';

/** The ports on which a mesh's proxy, in the network namespace of the pod, takes the traffic from and to the app. */
const PROXIES = [
  { mesh: 'Istio', ports: [15_001, 15_006] },
  { mesh: 'Linkerd', ports: [4_140, 4_143] },
];

/**
 * Finds out whether the proxy of a service mesh stands between this process and the network: an Istio or Linkerd
 * sidecar, or ztunnel. A sidecar may start after the app. So this looks again: after a second at first, and after a
 * minute at last.
 */
export class MeshDetector {
  readonly #procNet: string;
  readonly #clock: Clock;
  #interval = FIRST_INTERVAL;
  #dueAt = Number.NEGATIVE_INFINITY;
  #mesh: string | undefined;

  constructor(procNet: string, clock: Clock) {
    this.#procNet = procNet;
    this.#clock = clock;
  }

  /** Yields the name of the mesh, or `undefined` if there is none: at once, and again when that changes. */
  async *follow(signal: AbortSignal): AsyncGenerator<string | undefined, void, undefined> {
    let mesh = this.#look();
    yield mesh;
    while (!signal.aborted) {
      await until(this.#dueAt, this.#clock, signal);
      if (mesh !== this.#look()) yield (mesh = this.#mesh);
    }
  }

  #look(): string | undefined {
    const now = this.#clock.now();
    if (now < this.#dueAt) return this.#mesh;
    this.#dueAt = now + this.#interval;
    this.#interval = Math.min(this.#interval * 2, LAST_INTERVAL);
    const open = new Set(['tcp', 'tcp6'].flatMap((file) => listeners(join(this.#procNet, file))));
    this.#mesh = PROXIES.find(({ ports }) => ports.every((port) => open.has(port)))?.mesh;
    return this.#mesh;
  }
}

/** The ports of listening sockets, from a file like `/proc/net/tcp`; none if there is no such file. */
function listeners(file: string): number[] {
  return head(file)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTENS)
    .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16));
}

/** The first bytes of a file; nothing if it can't be read. */
function head(path: string): string {
  const buffer = Buffer.allocUnsafe(MOST_BYTES);
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      // The kernel returns one page at a time.
      for (let read = -1; read !== 0 && length < MOST_BYTES; length += read) {
        read = readSync(file, buffer, length, MOST_BYTES - length, null);
      }
    } finally {
      closeSync(file);
    }
  } catch {
    // Not Linux, or no permission.
  }
  return buffer.toString('latin1', 0, length);
}
