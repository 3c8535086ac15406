import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { loadAllYaml, loadYaml, type V1Deployment, type V1Service } from '@kubernetes/client-node';
import { startCluster } from '../cli/setup.ts';
import { UNTIL_OBSERVED } from '../observe/observing.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { COMPILERS, installCompiler, makeProject, type Project, resolutionsOf } from '../support/package.ts';
import { type Pod, startPod, startPods } from '../support/pods.ts';
import { examples, page, README } from '../support/readme.ts';
import { type Run, run } from '../support/versions.ts';
import { skeleton } from './running.ts';

const APP = "console.log(await (await fetch('http://orders.prod:8080/')).text());\n";
/** Stands for kubectl: a file has what it was given to apply, and it executes here what it should elsewhere. */
const KUBECTL = `#!/bin/sh
if [ "$1" = apply ]; then cat > applied.yaml; fi
if [ "$1" = exec ]; then shift 3; exec "$@"; fi
`;

let project: Project;

before(() => {
  project = makeProject(['axios']);
  mkdirSync(join(project.folder, 'bin'));
  writeFileSync(join(project.folder, 'bin/kubectl'), KUBECTL, { mode: 0o755 });
});

after(() => project.remove());

/** The README and the pages whose programs need nothing but what it has. */
const PAGES = new Map([
  ['README.md', README],
  ...['discovery.md', 'failures.md', 'observability.md', 'policies.md'].map(
    (name) => [name, page(name)] as const,
  ),
]);

/** A world as the README has it: `orders.prod` leads to pods, Consul knows them too, and there is an app. */
class World {
  readonly pods: Pod[];
  readonly folder = mkdtempSync(join(project.folder, 'example-'));
  readonly #consul: Pod;
  readonly #env: Record<string, string>;

  private constructor(pods: Pod[], consul: Pod, nameServer: string) {
    this.pods = pods;
    this.#consul = consul;
    this.#env = {
      EVENKEEL_DNS_SERVERS: nameServer,
      // What npm thinks of a developer's settings is not the programs' output.
      npm_config_loglevel: 'error',
      PATH: [join(project.folder, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
    };
    this.write('app.js', APP);
  }

  static async start(t: TestContext): Promise<World> {
    const dns = await startDnsServer(t);
    const [pods, consul] = await Promise.all([startPods(t, 2), startPod(t)]);
    const addresses = pods.map(({ address }) => address);
    dns.set('orders.prod', addresses);
    const nodes = pods.map(({ address, port }) => ({ Service: { Address: address, Port: port } }));
    consul.respond = (_request, response) => response.end(JSON.stringify(nodes));
    return new World(pods, consul, dns.address);
  }

  /** Writes a file of the world, in which the pods have the port that they have here. */
  write(file: string, text: string): void {
    const adapted = text
      .replaceAll('orders.prod:8080', `orders.prod:${this.pods[0]!.port}`)
      .replaceAll('consul.internal:8500', `${this.#consul.address}:${this.#consul.port}`)
      .replaceAll('/app/', `${project.folder}/`);
    writeFileSync(join(this.folder, file), adapted);
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  async sh(command: string, env: Record<string, string> = {}): Promise<Run> {
    const script = `set -o pipefail; cd ${this.folder}; ${command}`;
    const ended = await run('bash', ['-c', script], { ...this.#env, ...env });
    assert.deepEqual([ended.code, ended.stderr], [0, ''], command);
    return ended;
  }

  /** Checks that something was said, and that it has the address of a pod. */
  assertServed({ stdout }: Pick<Run, 'stdout'>): void {
    assert.ok(
      this.pods.some(({ address }) => stdout.includes(address)),
      `no pod's address in: ${stdout}`,
    );
  }
}

/** Lines of shell that no test has asked for. */
const untested = new Set(examples('sh').flatMap(({ code }) => code.trim().split('\n')));

/** The line of shell that begins like that. */
function command(start: string): string {
  const found = Array.from(untested).find((line) => line.startsWith(start));
  assert.ok(found !== undefined, `the README has no command that starts with ${start}`);
  untested.delete(found);
  return found;
}

const programs = [...PAGES].flatMap(([name, text]) =>
  examples('ts', text).map((example) => ({ ...example, name })),
);

/** A program as it stands in a file of CommonJS: what waits is in a function. */
function asCommonJs(code: string): string {
  const imports = code.match(/^import .*?;$/gms) ?? [];
  const rest = imports.reduce((left, one) => left.replace(one, ''), code);
  return `${imports.join('\n')}\nvoid (async () => {\n${rest}\n})();\n`;
}

/** Milliseconds. On a busy machine, TypeScript alone takes more than the two minutes that other tests have. */
const PATIENCE = 300_000;

describe('README', { concurrency: 2, timeout: PATIENCE }, () => {
  for (const { name, code, line } of programs) {
    test(`the program on line ${line} of ${name} runs and reaches pods`, async (t) => {
      const world = await World.start(t);
      world.write('example.ts', code);
      const ended = await world.sh('node example.ts');
      if (code.includes('console.log')) world.assertServed(ended);
      assert.ok(world.pods.some(({ requests }) => requests > 0));
    });
  }

  for (const { code, line } of examples('js')) {
    test(`the CommonJS program on line ${line} runs, and reaches pods if it calls any`, async (t) => {
      const world = await World.start(t);
      world.write('example.cjs', code);
      const ended = await world.sh('node example.cjs');
      if (code.includes('fetch(')) world.assertServed(ended);
    });
  }

  for (const version of COMPILERS) {
    test(`the programs are sound TypeScript ${version}, however modules are resolved`, {
      timeout: PATIENCE,
    }, async (t) => {
      const compiler = await installCompiler(project.folder, version);
      if ('error' in compiler && !process.env.CI) return t.skip(compiler.error);
      assert.ok('path' in compiler, JSON.stringify(compiler));
      for (const [extension, module, moduleResolution] of resolutionsOf(version)) {
        const folder = mkdtempSync(join(project.folder, 'types-'));
        const isCommonJs = extension === 'cts' || module === 'commonjs';
        for (const { name, code, line } of programs) {
          // What is for modules alone can't be in CommonJS.
          if (isCommonJs && name !== 'README.md') continue;
          writeFileSync(join(folder, `${name}-${line}.${extension}`), isCommonJs ? asCommonJs(code) : code);
        }
        const compilerOptions = {
          strict: true,
          noEmit: true,
          // Of those that the oldest knows.
          target: 'es2022',
          lib: ['esnext', ...(moduleResolution === 'bundler' ? ['dom'] : [])],
          types: ['node'],
          skipLibCheck: true,
          module,
          moduleResolution,
        };
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
        const { code, stdout } = await run(compiler.path, ['-p', folder]);
        assert.equal(code, 0, `${extension}, ${module}, ${moduleResolution}: ${stdout}`);
      }
    });
  }

  const install = command('npm install');
  test('what is installed is this package', () => {
    assert.equal(install, `npm install ${packageFile().name}`);
  });

  test('who imports undici is told to install it, which pnpm asks for', () => {
    assert.ok(programs.some(({ code }) => code.includes("from 'undici'")));
    assert.ok(README.includes(`\`${install} undici\``));
  });

  const preload = command('EVENKEEL_MAX_CONNECTION_DURATION=2m node --import');
  test('an app that knows nothing of it is balanced by the preload', async (t) => {
    const world = await World.start(t);
    world.assertServed(await world.sh(preload));
  });

  const examination = command('kubectl exec');
  test('the doctor finds nothing wrong here', async (t) => {
    const world = await World.start(t);
    const { port } = world.pods[0]!;
    const { stdout } = await world.sh(examination.replace('orders.prod:8080', `orders.prod:${port}`));
    world.assertServed({ stdout });
    assert.match(stdout, /^✓ /m);
  });

  test('the doctor prints what the README shows', async (t) => {
    const { api, examine } = await startCluster(t, { env: { EVENKEEL_DNS_SERVERS: '' } });
    api.refuse = () => ({ status: 403 });
    api.username = 'system:serviceaccount:prod:checkout';
    const shown = examples('text').find(({ code }) => code.startsWith('Name '))!.code;
    // What is on loopback is never taken for virtual.
    const here = shown.replace(' (a virtual IP, dialled in rotation)', '');
    const { text } = await examine('orders.prod');
    // Name servers usually have the usual port.
    assert.equal(skeleton(text.replace(/(?<=asked 127.0.0.1):\d+/, '')), skeleton(here));
  });

  const observing = command('EVENKEEL_MODE=observe');
  test('observing prints what the README shows', async (t) => {
    const world = await World.start(t);
    const proxy = await startPod(t, { port: world.pods[0]!.port });
    const dns = await startDnsServer(t);
    dns.set('orders.prod', ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5']);
    // The system leads the name to one address, and ten requests go there, two for each pod.
    world.write(
      'app.js',
      `import dns from 'node:dns';
       dns.lookup = (_name, _options, done) => done(null, [{ address: '${proxy.address}', family: 4 }]);
       ${UNTIL_OBSERVED}
       for (let i = 0; i < 10; i++) await (await fetch('http://orders.prod:8080/')).text();
       await new Promise((resolve) => setTimeout(resolve, 300));`,
    );
    const { stdout } = await world.sh(`${observing} 2>&1`, { EVENKEEL_DNS_SERVERS: dns.address });
    const shown = examples('text').find(({ code }) => code.startsWith('evenkeel observed'))!.code;
    const said = stdout.replace('and one connection reached one', 'and 1 connections reached 1 at most');
    assert.equal(inPlural(skeleton(said)), inPlural(skeleton(shown)));
  });

  const grant = command('npx --no-install evenkeel rbac');
  test('the command for rights grants what the text says', async (t) => {
    const world = await World.start(t);
    await world.sh(grant);
    const [role, binding] = loadAllYaml(world.read('applied.yaml'));
    assert.deepEqual([role.kind, role.metadata.namespace], ['Role', 'prod']);
    assert.equal(binding.roleRef.name, role.metadata.name);
    const [{ kind, namespace, name }] = binding.subjects;
    assert.deepEqual([kind, namespace, name], ['ServiceAccount', 'shop', 'checkout']);
  });

  const [service, deployment] = examples('yaml').map(({ code }) => code) as [string, string];
  test('the Service is headless', () => {
    const { kind, spec } = loadYaml<V1Service>(service);
    assert.deepEqual([kind, spec!.clusterIP], ['Service', 'None']);
  });

  const patch = command('kubectl patch');
  test('the patch of a Deployment switches it on in an app that knows nothing of it', async (t) => {
    const world = await World.start(t);
    world.write('evenkeel.yaml', deployment);
    const { stdout } = await world.sh(`${patch} && cat evenkeel.yaml`);
    const [container] = loadYaml<V1Deployment>(stdout).spec!.template.spec!.containers;
    const [option, node] = container!.env!;
    assert.equal(node!.valueFrom!.fieldRef!.fieldPath, 'spec.nodeName');
    world.assertServed(await world.sh('node app.js', { [option!.name]: option!.value! }));
  });

  for (const line of [
    command('npm ci && npm test'),
    command('npm ci && npm run demo'),
    command('npm ci && npm run bench'),
  ]) {
    test(`there is a script for: ${line}`, () => {
      const [, script] = /npm (?:run )?(\w+)$/.exec(line)!;
      assert.ok(script! in packageFile().scripts);
    });
  }

  test('the demo prints what the README shows', async (t) => {
    const world = await World.start(t);
    const { stdout } = await world.sh('npx --no-install evenkeel demo --seconds 2');
    const shown = examples('text')[0]!.code;
    assert.equal(skeleton(stdout), skeleton(shown));
  });

  test('every command is tested', () => {
    assert.deepEqual([...untested], []);
  });
});

/** Whatever the unit of time, and however many. */
function inPlural(text: string): string {
  return text.replace(/0 (s|min|h|ms)\b/g, '0 s').replace(/0 (request|connection)\b/g, '0 $1s');
}

function packageFile(): { name: string; scripts: Record<string, string> } {
  return JSON.parse(readFileSync('package.json', 'utf8'));
}
