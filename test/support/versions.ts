import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The releases of Node.js that evenkeel runs on. */
export const NODES = [22, 24, 26] as const;

const execute = promisify(execFile);
// Most of the time of a short process would go into stripping the types of evenkeel's sources again.
const compileCache = join(tmpdir(), 'evenkeel-compile-cache');
const binaries = new Map<number, Promise<string | undefined>>();

/** The executable of the newest Node.js of that release; `undefined` if it can't be had from npm's registry or cache. */
export function nodeBinary(major: number): Promise<string | undefined> {
  let binary = binaries.get(major);
  if (binary === undefined) {
    binary = process.version.startsWith(`v${major}.`) ? Promise.resolve(process.execPath) : fetchNode(major);
    binaries.set(major, binary);
  }
  return binary;
}

async function fetchNode(major: number): Promise<string | undefined> {
  const args = [
    '--yes',
    '--prefer-offline',
    '--package',
    `node@${major}`,
    '--',
    'node',
    '-p',
    'process.execPath',
  ];
  try {
    // One quick second try: npm's own two take more than a minute where a registry lacks it.
    const env = {
      ...cleanEnvironment(),
      npm_config_fetch_retries: '1',
      npm_config_fetch_retry_mintimeout: '1000',
      npm_config_fetch_retry_maxtimeout: '1000',
    };
    const { stdout } = await execute('npx', args, { env, timeout: 120_000 });
    return stdout.trim();
  } catch {
    return undefined;
  }
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds between the last output and the end. */
  readonly lingered: number;
}

/** Runs a Node.js with these arguments, and with variables on top of an environment that has nothing to do with us. */
export function run(binary: string, args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      env: { ...cleanEnvironment(), NODE_COMPILE_CACHE: compileCache, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    let [stdout, stderr] = ['', ''];
    let last = performance.now();
    child.stdout.on('data', (chunk) => {
      last = performance.now();
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr, lingered: performance.now() - last }));
  });
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(EVENKEEL_|NODE_|npm_|https?_proxy$|no_proxy$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
