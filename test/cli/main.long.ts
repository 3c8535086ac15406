import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startDnsServer } from '../support/dns-server.ts';
import { startPod } from '../support/pods.ts';
import { run } from '../support/versions.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const MANIFEST = new URL('../../package.json', import.meta.url);

function evenkeel(...args: string[]) {
  return run(process.execPath, [MAIN, ...args]);
}

describe('the command', { concurrency: true }, () => {
  test('says its version', async () => {
    const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string };
    for (const option of ['--version', '-v']) {
      const { code, stdout, stderr } = await evenkeel(option);
      assert.deepEqual([code, stdout, stderr], [0, `${version}\n`, '']);
    }
  });

  test('says how it is used, and how each of its parts is', async () => {
    for (const args of [[], ['--help'], ['-h'], ['help']]) {
      const { code, stdout, stderr } = await evenkeel(...args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^Usage: evenkeel <command>\n.*^ {2}demo .*^ {2}doctor .*^ {2}rbac /ms);
      for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    }
    for (const command of ['demo', 'doctor', 'explain', 'rbac', 'top']) {
      for (const args of [
        [command, '--help'],
        [command, '-h'],
        ['help', command],
      ]) {
        const { code, stdout, stderr } = await evenkeel(...args);
        assert.deepEqual([code, stderr], [0, '']);
        assert.match(stdout, new RegExp(`^Usage: evenkeel ${command} `));
        for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
      }
    }
  });

  test('ends with 2 when it was called wrongly, and says so in a sentence', async () => {
    for (const [args, says] of [
      [['demonstrate'], 'evenkeel: there is no command demonstrate'],
      [['constructor'], 'evenkeel: there is no command constructor'],
      [['demo', '--seconds', 'x'], 'evenkeel demo: --seconds must be an integer from 2 to 300, got x'],
      [['demo', '--fast'], "evenkeel demo: Unknown option '--fast'"],
      [['doctor'], 'evenkeel doctor: expected one URL such as http://orders.prod:8080/, got none'],
      [['doctor', 'orders', '--fast'], "evenkeel doctor: Unknown option '--fast'"],
      [['top', 'a b'], 'evenkeel top: expected a port, or HOST:PORT, got a b'],
      [['rbac', '--fast'], "evenkeel rbac: Unknown option '--fast'"],
      [['rbac', '-n', 'A'], 'evenkeel rbac: --namespace is "A", which is no name in Kubernetes'],
    ] as const) {
      const { code, stdout, stderr } = await evenkeel(...args);
      assert.deepEqual([code, stdout, stderr.split('\n')[0]], [2, '', says]);
      assert.match(stderr, /^(Try: evenkeel (\w+ )?--help)$/m);
    }
  });

  test('is silent when nobody reads on, and its exit code stands', async (t) => {
    const pod = await startPod(t);
    for (const [args, expected] of [
      [['doctor', '--settings', `${pod.address}:${pod.port}`], 0],
      [['doctor', '--settings', `${pod.address}:1`], 1],
      [['rbac'], 0],
      [['demo', '--seconds', '300'], 0],
    ] as const) {
      const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.destroy();
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const [code] = await once(child, 'close');
      assert.deepEqual([code, stderr], [expected, ''], args.join(' '));
    }
  });

  test('says what it waits for on stderr, if that is a terminal: what it writes can be piped', async (t) => {
    const dns = await startDnsServer(t);
    const command = `EVENKEEL_DNS_SERVERS=${dns.address} ${process.execPath} ${MAIN} doctor orders.test --json >/dev/null`;
    const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
      // It gives what it runs a terminal. That of the BSDs, macOS among them, takes the file first.
      const ofLinux = ['-qec', command, '/dev/null'];
      const args = process.platform === 'linux' ? ofLinux : ['-q', '/dev/null', 'sh', '-c', command];
      execFile('script', args, (_error, stdout) => resolve({ stdout }));
    });
    assert.match(stdout, /Looking up orders\.test …/);
    assert.ok(stdout.endsWith('\r\x1b[K'), JSON.stringify(stdout));
  });
});
