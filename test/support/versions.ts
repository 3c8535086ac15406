import { execFile, spawn } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { COMPILE_CACHE } from './temporary.ts';

/** The releases of Node.js that evenkeel runs on. */
export const NODES = [22, 24, 26] as const;

/** That of this process. */
export const RUNNING = Number.parseInt(process.versions.node, 10);

/**
 * Whether matrices are short: what takes minutes is played with each version of a package on this Node.js, and with the
 * newest one on the others. `TEST_MATRIX=short`, as `.ci/run` has it, which says so at its end.
 */
export const IS_SHORT = process.env.TEST_MATRIX === 'short';

const execute = promisify(execFile);
const binaries = new Map<number, Promise<string>>();

/**
 * A test that runs in the newest Node.js of a release, which comes from npm's registry or cache. Where it can't be
 * had, the test is skipped; in CI it fails.
 */
export function testOnNode(
  major: number,
  name: string,
  body: (t: TestContext, binary: string) => Promise<void>,
): void {
  test(name, async (t) => {
    const binary = await nodeBinary(major).catch((error: Error) => {
      if (process.env.CI) throw error;
      t.skip(error.message);
    });
    if (binary) await body(t, binary);
  });
}

function nodeBinary(major: number): Promise<string> {
  let binary = binaries.get(major);
  if (binary === undefined) {
    binary = major === RUNNING ? Promise.resolve(process.execPath) : fetchNode(major);
    binaries.set(major, binary);
  }
  return binary;
}

/** With the caller's environment: a registry may be behind a proxy, or have a certificate that only a variable names. */
async function fetchNode(major: number): Promise<string> {
  const node = ['--package', `node@${major}`, '--', 'node', '-p', 'process.execPath'];
  // One quick second try: npm's own two take more than a minute where a registry lacks it.
  const env = {
    ...process.env,
    npm_config_fetch_retries: '1',
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_fetch_retry_maxtimeout: '1000',
  };
  try {
    const { stdout } = await execute('npx', ['--yes', '--prefer-offline', ...node], {
      env,
      timeout: 120_000,
    });
    return stdout.trim();
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`Node ${major} can't be had from npm's registry: ${stderr.trim() || error}`, {
      cause: error,
    });
  }
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds until the last output. */
  readonly took: number;
  /** Milliseconds between that and the end. */
  readonly lingered: number;
}

/**
 * Runs a Node.js with these arguments, and with variables on top of an environment that has nothing to do with us. It is
 * ended after `timeout` milliseconds.
 */
export function run(
  binary: string,
  args: readonly string[],
  env: Record<string, string> = {},
  timeout = 60_000,
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      env: { ...cleanEnvironment(), NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
    });
    let [stdout, stderr] = ['', ''];
    const startedAt = performance.now();
    let last = startedAt;
    child.stdout.on('data', (chunk) => {
      last = performance.now();
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code, stdout, stderr, took: last - startedAt, lingered: performance.now() - last }),
    );
  });
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(EVENKEEL_|NODE_|npm_|https?_proxy$|no_proxy$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
