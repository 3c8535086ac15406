import type { Agent } from 'node:http';

/**
 * Sends a POST, which is not waited for long at `/hang`, and marks what its caller hears of it. Resolves when it is closed.
 *
 * @param http as the process has loaded it
 */
export function send(
  http: typeof import('node:http'),
  origin: string,
  path: string,
  agent: Agent | undefined,
  mark: (what: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const options = {
      signal: AbortSignal.timeout(path === '/hang' ? 50 : 10_000),
      ...(agent !== undefined && { agent }),
    };
    const request = http.request(origin + path, { method: 'POST', ...options }, (response) => {
      mark('at the response');
      response.resume();
    });
    request.on('error', () => mark('at the error'));
    request.on('close', () => {
      mark('at the close');
      resolve();
    });
    request.end('text');
  });
}
