import type { Agent } from 'node:http';
import type { BalancedHttpAgentOptions } from '../../../src/http.ts';

/** Whose agent sends the requests: Node's own, Node's own with evenkeel installed, or one of evenkeel's. */
export type Way = 'stock' | 'preloaded' | 'by hand';

/** Has evenkeel be there in that way, with these options. `load` is how the process loads modules. */
export async function prepare(
  way: Way,
  load: NodeJS.Require,
  options: Pick<BalancedHttpAgentOptions, 'retry'> = {},
): Promise<() => Agent> {
  if (way === 'by hand') {
    const { BalancedHttpAgent } = await import('../../../src/http.ts');
    return () => new BalancedHttpAgent(options);
  }
  if (way === 'preloaded') {
    const { install } = await import('../../../src/index.ts');
    install(options);
  }
  const { Agent } = load('node:http') as typeof import('node:http');
  return () => new Agent({ keepAlive: true });
}
