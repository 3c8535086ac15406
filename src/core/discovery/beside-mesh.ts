import { Changes } from './changes.ts';
import { unlessAborted } from './dns/abortable.ts';
import { Feed } from './feed.ts';
import type { ClusterNames } from './kubernetes/cluster-names.ts';
import type { MeshDetector } from './kubernetes/mesh.ts';
import type { Warn } from './kubernetes/warnings.ts';
import type { Resolution, Resolver } from './resolver.ts';

export interface BesideMeshOptions {
  detector: MeshDetector;
  /** Used if there is no mesh. */
  otherwise: Resolver;
  /** Used beside a mesh. */
  dns: Resolver;
  names: ClusterNames;
  warn: Warn;
}

/**
 * If there is a service mesh, leaves the choice of pods to its proxy. The proxy balances and authorises by Service, and
 * recognises the Service by the address that its name has in DNS.
 */
export function besideMesh({ detector, otherwise, dns, names, warn }: BesideMeshOptions): Resolver {
  async function* passive(...args: Parameters<Resolver>): AsyncGenerator<Resolution, void, undefined> {
    for await (const resolution of dns(...args)) {
      const ours = 'endpoints' in resolution && names.serviceOf(resolution.matchedName ?? '') !== undefined;
      yield ours ? { ...resolution, passive: true } : resolution;
    }
  }

  return async function* (target, signal) {
    const arrivals = new Changes();
    const meshes = new Feed((signal) => detector.follow(signal), arrivals);
    let feed: Feed<Resolution> | undefined;
    try {
      while (!signal.aborted && !feed?.over) {
        const { count } = arrivals;
        const change = meshes.take();
        if (change !== undefined) {
          const mesh = change.value;
          if (mesh !== undefined) warn('EVENKEEL_MESH', says(mesh));
          feed?.stop();
          feed = new Feed((signal) => (mesh === undefined ? otherwise : passive)(target, signal), arrivals);
        }
        const resolution = feed?.take();
        if (resolution !== undefined) yield resolution.value;
        else await unlessAborted(arrivals.since(count), signal);
      }
    } finally {
      meshes.stop();
      feed?.stop();
    }
  };
}

function says(mesh: string): string {
  return `${mesh} balances requests here, so evenkeel does not: it sends them to Services by name (with mesh: 'ignore', it balances too)`;
}
