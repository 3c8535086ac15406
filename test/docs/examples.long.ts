import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { loadAllYaml, type V1Deployment } from '@kubernetes/client-node';
import { rbac } from '../../src/cli/rbac.ts';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { makeProject, type Project } from '../support/package.ts';
import { nextAddress, type Pod, startPods } from '../support/pods.ts';
import { examples, page } from '../support/readme.ts';

const EXAMPLES = join(import.meta.dirname, '../../docs/examples');
const WORLDS = ['compose', 'express', 'fastify', 'kubernetes', 'nextjs', 'opentelemetry'];
const PRELOAD = '--import=evenkeel/register';

let project: Project;

before(() => {
  project = makeProject(['express', 'fastify']);
});

after(() => project.remove());

/** An example in a folder of its own, where evenkeel is installed and `orders.prod` leads to two pods. */
class World {
  readonly pods: Pod[];
  readonly folder: string;
  readonly dns: DnsServer;

  private constructor(pods: Pod[], folder: string, dns: DnsServer) {
    this.pods = pods;
    this.folder = folder;
    this.dns = dns;
  }

  static async start(t: TestContext, example: string): Promise<World> {
    const [dns, pods] = await Promise.all([startDnsServer(t), startPods(t, 2)]);
    dns.set(
      'orders.prod',
      pods.map(({ address }) => address),
    );
    const folder = mkdtempSync(join(project.folder, `${example}-`));
    for (const file of readdirSync(join(EXAMPLES, example)).filter((name) => /\.js(on)?$/.test(name))) {
      const text = readFileSync(join(EXAMPLES, example, file), 'utf8');
      writeFileSync(join(folder, file), text.replaceAll('orders.prod:8080', `orders.prod:${pods[0]!.port}`));
    }
    return new World(pods, folder, dns);
  }

  /** Both pods had requests. Not each a half: those of the first moment go to whichever pod is connected. */
  assertEven(total: number): void {
    const counts = this.pods.map(({ requests }) => requests);
    assert.equal(counts[0]! + counts[1]!, total);
    assert.ok(Math.min(...counts) >= total / 5, String(counts));
  }

  run(t: TestContext, args: readonly string[], env: Record<string, string> = {}): Program {
    return new Program(t, args, this.folder, { EVENKEEL_DNS_SERVERS: this.dns.address, ...env });
  }
}

/** A program, whose lines can be waited for. */
class Program {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  stderr = '';

  constructor(t: TestContext, args: readonly string[], cwd: string, env: Record<string, string>) {
    const { PATH } = process.env;
    this.#child = spawn(process.execPath, args, {
      cwd,
      env: { PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    this.#child.stderr!.on('data', (chunk) => (this.stderr += chunk));
    t.after(() => this.#child.kill('SIGKILL'));
  }

  /** The next line that is like that. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      assert.ok(!done, `it ended without a line like ${pattern}: ${this.stderr}`);
      const match = pattern.exec(value);
      if (match !== null) return match;
    }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.ended();
  }

  async ended(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    const [code, signal] =
      exitCode !== null || signalCode !== null ? [exitCode, signalCode] : await once(this.#child, 'close');
    assert.deepEqual([code, signal], [0, null], this.stderr);
  }
}

describe('examples', { concurrency: 2 }, () => {
  for (const name of ['express', 'fastify']) {
    test(`${name}: a handler's calls reach all pods, and the process ends when it is told to`, async (t) => {
      const world = await World.start(t, name);
      const app = world.run(t, ['app.js'], { PORT: '0' });
      const [, port] = await app.line(/listens on port (\d+)/);
      for (let count = 0; count < 10; count++) {
        const response = await fetch(`http://127.0.0.1:${port}/checkout`, {
          headers: { connection: 'close' },
        });
        assert.equal(response.status, 200);
        await response.text();
      }
      world.assertEven(10);
      await app.stop();
    });
  }

  test('opentelemetry: the metrics say how many requests each pod had', async (t) => {
    const world = await World.start(t, 'opentelemetry');
    const app = world.run(t, ['--import=./telemetry.js', PRELOAD, 'app.js']);
    await app.line(/^100 requests sent$/);
    await app.line(/name: 'evenkeel\.requests'/);
    const said = [await app.line(/value: (\d+)/), await app.line(/value: (\d+)/)];
    await app.ended();
    world.assertEven(100);
    const had = world.pods.map(({ requests }) => requests);
    assert.deepEqual(said.map(([, count]) => Number(count)).sort(), had.sort());
  });

  test('compose: traffic is uneven in observe mode, and even without', async (t) => {
    const world = await World.start(t, 'compose');
    const addresses = [nextAddress(), nextAddress()];
    world.dns.set('orders.prod', addresses);
    const PORT = String(world.pods[0]!.port);
    const servers = addresses.map((HOST) => world.run(t, ['orders.js'], { HOST, PORT }));
    for (const server of servers) await server.line(/orders listens on/);

    const env = { ORDERS_URL: `http://orders.prod:${PORT}/`, NODE_OPTIONS: PRELOAD };
    const even = world.run(t, ['checkout.js'], env);
    const observed = world.run(t, ['checkout.js'], {
      ...env,
      // Nothing is changed, so the system's resolver would be asked for the name.
      ORDERS_URL: `http://${addresses[0]}:${PORT}/`,
      EVENKEEL_MODE: 'observe',
      EVENKEEL_OBSERVE_INTERVAL: '4s',
    });
    const [line] = await even.line(/^\{.*\}$/);
    const counts = addresses.map((address) => Number(new RegExp(`'${address}': (\\d+)`).exec(line)?.[1]));
    assert.ok(Math.max(...counts) <= 1.2 * Math.min(...counts), line);
    await observed.line(/^\{.*\}$/);
    assert.match(observed.stderr, /evenkeel observed .* and changed nothing/);
    await Promise.all([even, observed, ...servers].map((program) => program.stop()));
  });

  test('nextjs: instrumentation installs evenkeel in the server, and nowhere else', async (t) => {
    const world = await World.start(t, 'nextjs');
    writeFileSync(
      join(world.folder, 'server.js'),
      `const { register } = await import('./instrumentation.js');
      process.env.NEXT_RUNTIME = 'edge';
      await register();
      const before = globalThis[Symbol.for('undici.globalDispatcher.1')]?.constructor.name;
      process.env.NEXT_RUNTIME = 'nodejs';
      await register();
      for (let count = 0; count < 10; count++)
        await (await fetch('http://orders.prod:${world.pods[0]!.port}/', { cache: 'no-store' })).text();
      console.log('done', before);`,
    );
    const server = world.run(t, ['server.js']);
    await server.line(/^done undefined$/);
    world.assertEven(10);
    await server.ended();
  });
});

test('each example has a page, and is listed', () => {
  const listed = page('examples/README.md');
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).toSorted(), WORLDS);
  for (const name of WORLDS) {
    assert.ok(existsSync(join(EXAMPLES, name, 'README.md')), name);
    assert.ok(listed.includes(`(${name}/README.md)`), name);
  }
});

test('compose: what the containers run is in the image', () => {
  const { services } = yaml('compose/docker-compose.yaml')[0] as {
    services: Record<string, { command: string[]; environment?: Record<string, string> }>;
  };
  assert.deepEqual(Object.keys(services), ['orders', 'checkout']);
  for (const { command } of Object.values(services)) {
    assert.equal(command[0], 'node');
    assert.ok(existsSync(join(EXAMPLES, 'compose', command[1]!)));
  }
  const dockerfile = readFileSync(join(EXAMPLES, 'compose/Dockerfile'), 'utf8');
  assert.match(dockerfile, /^WORKDIR \/app$/m);
  assert.match(dockerfile, /^COPY \*\.js \.\/$/m);
  assert.equal(
    services.checkout!.environment!.NODE_OPTIONS,
    '--import=/app/node_modules/evenkeel/dist/register.js',
  );
});

test('kubernetes: the manifests fit together', () => {
  const [kustomization] = yaml('kubernetes/kustomization.yaml') as [
    { resources: string[]; configMapGenerator: { name: string; files: string[] }[] },
  ];
  const objects = kustomization.resources.flatMap((file) => yaml(`kubernetes/${file}`)) as V1Deployment[];
  assert.deepEqual(objects.map(({ kind, metadata }) => `${kind} ${metadata!.name}`).toSorted(), [
    'Deployment checkout',
    'Deployment orders',
    'HorizontalPodAutoscaler orders',
    'Namespace shop',
    'Role evenkeel',
    'RoleBinding evenkeel:shop:checkout',
    'Service orders',
    'ServiceAccount checkout',
  ]);
  const [generated] = kustomization.configMapGenerator;
  for (const { spec } of objects.filter(({ kind }) => kind === 'Deployment')) {
    const { containers, initContainers = [], volumes = [] } = spec!.template.spec!;
    assert.deepEqual(spec!.selector.matchLabels, spec!.template.metadata!.labels);
    for (const { volumeMounts = [] } of [...containers, ...initContainers])
      for (const { name } of volumeMounts)
        assert.ok(
          volumes.some((volume) => volume.name === name),
          name,
        );
    for (const { configMap } of volumes)
      assert.ok(configMap === undefined || configMap.name === generated!.name);
    const [, program] = containers[0]!.command!;
    assert.ok(generated!.files.includes(program!.replace('/app/', '')), program);
  }
});

test('kubernetes: the rights are those that the command prints, and the programs those of compose', () => {
  let printed = '';
  rbac(['-n', 'shop', '--service-account', 'shop:checkout'], { write: (text: string) => (printed += text) });
  assert.equal(printed, readFileSync(join(EXAMPLES, 'kubernetes/rbac.yaml'), 'utf8'));
  for (const file of ['orders.js', 'checkout.js']) {
    const [one, other] = ['compose', 'kubernetes'].map((name) =>
      readFileSync(join(EXAMPLES, name, file), 'utf8'),
    );
    assert.equal(one, other);
  }
});

test('what is in /evenkeel of an image of its own serves an app that does not have the package', async (t) => {
  const world = await World.start(t, 'opentelemetry');
  const elsewhere = mkdtempSync(join(project.folder, 'evenkeel-'));
  for (const name of ['evenkeel', 'undici', 'lru-cache'])
    cpSync(join(project.folder, 'node_modules', name), join(elsewhere, 'node_modules', name), {
      recursive: true,
      dereference: true,
    });
  const app = world.run(t, ['app.js'], {
    NODE_OPTIONS: `--import=${elsewhere}/node_modules/evenkeel/dist/register.js`,
  });
  await app.line(/^100 requests sent$/);
  await app.ended();
  world.assertEven(100);
});

test('the YAML of rollout.md is sound, and its Kustomize patch names what it mounts', () => {
  const blocks = examples('yaml', page('rollout.md')).filter(({ code }) => !code.includes('{{'));
  assert.ok(blocks.length >= 6);
  for (const { code } of blocks) loadAllYaml(code);
  const component = blocks
    .map(({ code }) => loadAllYaml(code)[0] as { kind?: string; patches?: { patch: string }[] })
    .find(({ kind }) => kind === 'Component')!;
  const [patch] = loadAllYaml(component.patches![0]!.patch) as V1Deployment[];
  const { containers, initContainers, volumes } = patch!.spec!.template.spec!;
  for (const { volumeMounts } of [...containers, ...initContainers!])
    for (const { name } of volumeMounts!)
      assert.ok(
        volumes!.some((volume) => volume.name === name),
        name,
      );
});

function yaml(file: string): object[] {
  return loadAllYaml(readFileSync(join(EXAMPLES, file), 'utf8'));
}
