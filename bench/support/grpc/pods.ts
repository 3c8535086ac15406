import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { atExit } from '../at-exit.ts';
import { loopbackAddresses } from '../loopback.ts';
import type { GrpcPodConfig } from './pod-process.ts';

/** A pod, in a process of its own. */
export interface GrpcPod {
  readonly endpoint: EndpointAddress;
  readonly process: ChildProcess;
}

type PodOptions = Partial<Pick<GrpcPodConfig, 'delay' | 'goaway' | 'streams'>>;

/** Starts as many pods as there are options, all on one port. */
export async function startGrpcPods(each: readonly PodOptions[]): Promise<GrpcPod[]> {
  const pods: GrpcPod[] = [];
  let port = 0;
  for (const [n, address] of loopbackAddresses(each.length).entries()) {
    const child = fork(new URL('./pod-process.ts', import.meta.url), { execArgv: [] });
    atExit(() => void child.kill());
    child.send({ delay: 0, goaway: 0, streams: 0xffffffff, ...each[n], address, port });
    [port] = (await once(child, 'message')) as [number];
    pods.push({ endpoint: { address, port }, process: child });
  }
  return pods;
}
