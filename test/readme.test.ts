import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { loadAllYaml, loadYaml, type V1Deployment, type V1Service } from '@kubernetes/client-node';
import { startDnsServer } from './support/dns-server.ts';
import { compile, makeProject, type Project } from './support/package.ts';
import { type Pod, startPod, startPods } from './support/pods.ts';
import { examples } from './support/readme.ts';
import { type Run, run } from './support/versions.ts';

const APP = "console.log(await (await fetch('http://orders.prod:8080/')).text());\n";
/** Stands for kubectl: a file has what it was given to apply. */
const KUBECTL = '#!/bin/sh\nif [ "$1" = apply ]; then cat > applied.yaml; fi\n';

let project: Project;

before(() => {
  project = makeProject();
  mkdirSync(join(project.folder, 'bin'));
  writeFileSync(join(project.folder, 'bin/kubectl'), KUBECTL, { mode: 0o755 });
});

after(() => project.remove());

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
  assertServed({ stdout }: Run): void {
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

describe('README', { concurrency: 2 }, () => {
  for (const { code, line } of examples('ts')) {
    test(`the program on line ${line} runs and reaches pods`, async (t) => {
      const world = await World.start(t);
      world.write('example.ts', code);
      const ended = await world.sh('node example.ts');
      if (code.includes('console.log')) world.assertServed(ended);
      assert.ok(world.pods.some(({ requests }) => requests > 0));
    });
  }

  for (const { code, line } of examples('js')) {
    test(`the CommonJS program on line ${line} runs and reaches pods`, async (t) => {
      const world = await World.start(t);
      world.write('example.cjs', code);
      world.assertServed(await world.sh('node example.cjs'));
    });
  }

  test('the programs are sound TypeScript, however modules are resolved', (t) => {
    const folder = mkdtempSync(join(project.folder, 'types-'));
    for (const { code, line } of examples('ts')) writeFileSync(join(folder, `line-${line}.ts`), code);
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2024',
      types: ['node'],
      skipLibCheck: true,
    };
    for (const [name, options] of [
      ['nodenext', { module: 'nodenext', lib: ['es2024'] }],
      ['bundler', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2024', 'dom'] }],
    ] as const) {
      const config = join(folder, `${name}.json`);
      writeFileSync(config, JSON.stringify({ compilerOptions: { ...compilerOptions, ...options } }));
      t.diagnostic(name);
      compile('-p', config);
    }
  });

  const install = command('npm install');
  test('what is installed is this package', () => {
    assert.equal(install, `npm install ${packageFile().name}`);
  });

  const preload = command('EVENKEEL_MAX_CONNECTION_DURATION=2m node --import');
  test('an app that knows nothing of it is balanced by the preload', async (t) => {
    const world = await World.start(t);
    world.assertServed(await world.sh(preload));
  });

  const grant = command('npx evenkeel rbac');
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
    command('npm ci && npm run'),
    command('npm run bench'),
  ]) {
    test(`there is a script for: ${line}`, () => {
      const [, script] = /npm (?:run )?(\w+)$/.exec(line)!;
      assert.ok(script! in packageFile().scripts);
    });
  }

  test('the demo prints what the README shows', async (t) => {
    const world = await World.start(t);
    const { stdout } = await world.sh('npx evenkeel demo --seconds 2');
    const shown = examples('text')[0]!.code;
    assert.equal(skeleton(stdout), skeleton(shown));
  });

  test('every command is tested', () => {
    assert.deepEqual([...untested], []);
  });
});

function packageFile(): { name: string; scripts: Record<string, string> } {
  return JSON.parse(readFileSync('package.json', 'utf8'));
}

/** A demo's output without its numbers, and what it printed as time went by. */
function skeleton(output: string): string {
  return output
    .replace(/^ *\d+ s {2}.*\n/gm, '')
    .replace(/[\d.]+/g, '0')
    .replace(/[█▏▎▍▌▋▊▉]/g, '')
    .replace(/ +/g, ' ');
}
