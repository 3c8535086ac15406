// Processes in which evenkeel loads, late, what balances the requests of a client.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Pod, startPod } from './pods.ts';
import { run } from './versions.ts';

export const ROOT = join(import.meta.dirname, '../..');
export const INDEX = pathToFileURL(join(ROOT, 'src/index.ts')).href;

/** Before anything else: notes which files of the transports are loaded, but for what looks out for their first use. */
const NOTES = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      if (/src\\/transports\\/(http|grpc)\\//.test(url)) loaded.push(url.replace(/.*\\/transports\\/|\\?.*/g, ''));
      return next(url, context);
    },
  });
  const rest = () => loaded.filter((file) => !/^\\w+\\/global\\/(install|patch)\\.ts$|^http\\/(node-http|agent-maps)\\.ts$/.test(file));`;

/** Requests of node:http to a name that only evenkeel knows, and how each of them ends. */
const ASK = `
  import http from 'node:http';
  const ask = () => new Promise((resolve) => {
    http.get('http://orders.prod', (response) => resolve(response.resume().statusCode)).on('error', ({ code }) => resolve(code));
  });`;

/** Runs a script with evenkeel for a pod, on this Node; returns what it says. */
export async function say(
  t: TestContext,
  script: string,
  flags: string[] = [],
): Promise<{ said: unknown; pod: Pod; stderr: string }> {
  const pod = await startPod(t);
  const code = `${NOTES}${ASK}
    const { install, stats, staticResolver, uninstall } = await import(${JSON.stringify(INDEX)});
    const options = { hosts: ['orders.prod'], discovery: staticResolver([${JSON.stringify(pod.endpoint)}]) };
    ${script}`;
  const args = [...flags, '--input-type=module', '--eval', code];
  const { stdout, stderr } = await run(process.execPath, args);
  return { said: stdout === '' ? stderr : JSON.parse(stdout), pod, stderr };
}

/** Asks until evenkeel has a request, and says how those before it ended. */
export const ASK_ON = `
  install(options);
  const before = [];
  let status;
  while ((status = await ask()) !== 200) before.push(status);
  console.log(JSON.stringify({ early: [...new Set(before)], origins: Object.keys(stats()) }));
  await uninstall();`;
