import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { Pod } from '../../support/pods.ts';

/** As a resolver sees pods that have weights. */
export function weighing(pods: readonly Pod[], weights: readonly number[]): { endpoint: EndpointAddress }[] {
  return pods.map(({ endpoint }, index) => ({ endpoint: { ...endpoint, weight: weights[index]! } }));
}

export function forget(pods: readonly Pod[]): void {
  for (const pod of pods) pod.paths.length = 0;
}

export const shares = (pods: readonly Pod[]) => pods.map(({ requests }) => requests);
