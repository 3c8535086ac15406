import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { publint } from 'publint';
import { type OutputOptions, rollup } from 'rollup';
import {
  COMPILERS,
  compile,
  installCompiler,
  makeProject,
  type Project,
  resolutionsOf,
} from './support/package.ts';
import { run, testOnNode } from './support/versions.ts';

const ROOT = join(import.meta.dirname, '..');

let project: Project;

before(() => {
  project = makeProject();
});

after(() => project.remove());

test('the package holds what users need, and nothing else', () => {
  const others = project.files.filter(
    (file) =>
      !/^(dist\/[\w/-]+\.(c?js|d\.c?ts)|docs\/[\w-]+\.md|docs\/images\/[\w-]+\.png|docs\/examples\/.+|bench\/results\/[\w-]+\.svg)$/.test(
        file,
      ),
  );
  assert.deepEqual(others.sort(), [
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'dashboards/alerts.yaml',
    'dashboards/evenkeel.json',
    'dist/admin/page/icon.svg',
    'dist/admin/page/index.html',
    'dist/admin/page/page.css',
    'package.json',
  ]);
});

test('all that package.json names is in the package', () => {
  const folder = join(project.folder, 'node_modules/evenkeel');
  const { exports, bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const pathsIn = (entry: unknown): string[] =>
    typeof entry === 'string' ? [entry] : Object.values(entry as object).flatMap(pathsIn);
  const paths = [...pathsIn(exports), ...pathsIn(bin)];
  for (const path of paths) assert.ok(existsSync(join(folder, path)), path);
});

test('the links and pictures of the README lead to files of the package', () => {
  const text = readFileSync(join(project.folder, 'node_modules/evenkeel/README.md'), 'utf8');
  const targets = Array.from(
    text.matchAll(/\]\(([^)\s#]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g),
    (match) => match[1] ?? match[2]!,
  );
  assert.ok(targets.length > 20);
  for (const target of targets) {
    if (!/^https?:/.test(target))
      assert.ok(existsSync(join(project.folder, 'node_modules/evenkeel', target)), target);
  }
});

test('publint finds nothing', async () => {
  const pkgDir = join(project.folder, 'node_modules/evenkeel');
  const { messages } = await publint({ pkgDir, pack: false });
  assert.deepEqual(messages, []);
});

test('what is published needs no type stripping and no development dependency', async () => {
  const script = "import('evenkeel').then(({ staticResolver }) => console.log(typeof staticResolver))";
  const file = join(project.folder, 'import.js');
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, ['--no-strip-types', file]);
  assert.deepEqual([stdout, stderr], ['function\n', '']);
});

test('a stack from inside the package has real names, and leads to lines that can be read', async () => {
  const file = join(project.folder, 'stack.js');
  const script = `
    import { BalancedAgent } from 'evenkeel';
    const agent = new BalancedAgent({ discovery: async function* () { yield { endpoints: [], source: 'test' } }, endpointTimeout: 1 });
    const error = await agent.request({ origin: 'http://orders.prod', path: '/', method: 'GET' }).catch((error) => error);
    console.log(JSON.stringify([error.constructor.name, error.stack]));
    await agent.close();`;
  writeFileSync(file, script);
  const { stdout } = await run(process.execPath, [file]);
  const [name, stack] = JSON.parse(stdout) as [string, string];
  assert.equal(name, 'NoEndpointsError');
  const frames = [...stack.matchAll(/at (\S+) \((?:file:\/\/)?(\S+):(\d+):(\d+)\)/g)];
  const [, caller, path, line, column] = frames[0]!;
  assert.equal(caller, 'noEndpoints');
  const text = readFileSync(path!, 'utf8').split('\n')[Number(line) - 1]!;
  assert.match(text.slice(Number(column) - 1), /^new NoEndpointsError\(/);
  assert.ok(
    frames.some(([, name]) => name === '#failOverdue'),
    stack,
  );
});

test('no file of the package has lines that nobody could read', () => {
  for (const file of project.files.filter((file) => file.endsWith('.js'))) {
    const text = readFileSync(join(project.folder, 'node_modules/evenkeel', file), 'utf8');
    // What a file takes from others, and gives them, is a list on one line.
    const lines = text.split('\n').filter((line) => !/^(import|export) \{/.test(line));
    const longest = Math.max(...lines.map(({ length }) => length));
    assert.ok(longest < 400, `${file} has a line of ${longest} characters`);
  }
});

for (const [major, entry] of [12, 18, 20].flatMap((old) => [
  [old, 'register'] as const,
  [old, 'identify'] as const,
])) {
  testOnNode(
    major,
    `evenkeel/${entry}, preloaded into Node ${major}, which is too old, warns once and does nothing`,
    async (_t, binary) => {
      const register = join(project.folder, 'node_modules/evenkeel/dist', entry);
      const script = `new (require('worker_threads').Worker)('', { eval: true }).once('exit', () =>
        console.log(Symbol.for('undici.globalDispatcher.2') in globalThis));`;
      const ways = [
        ['--require', `${register}.cjs`],
        ...(major < 18 ? [] : [['--import', `${register}.js`]]),
      ];
      for (const way of ways) {
        const { code, stdout, stderr } = await run(binary, [...way, '-e', script], {
          NODE_OPTIONS: way.join(' '),
        });
        assert.equal(code, 0, stderr);
        assert.equal(stdout, 'false\n');
        const warnings = stderr.split('\n').filter((line) => line.includes('EVENKEEL'));
        assert.match(
          warnings.join('\n'),
          /^.*EVENKEEL_OLD_NODE.*needs Node.js 22.19 or newer, and does nothing in v.*$/,
        );
      }
    },
  );
}

testOnNode(20, 'the command says in Node 20, which is too old, which one it needs', async (_t, binary) => {
  const command = join(project.folder, 'node_modules/evenkeel/dist/cli/main.js');
  const { code, stdout, stderr } = await run(binary, [command, 'doctor', 'http://orders.prod:8080/']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^evenkeel needs Node\.js 22\.19 or later, and this is v20\.\S+\n$/);
});

for (const major of [22, 24, 26] as const) {
  testOnNode(major, `evenkeel/identify names the servers of a process, Node ${major}`, async (_t, binary) => {
    const file = join(project.folder, 'server.cjs');
    writeFileSync(
      file,
      `const server = require('node:http').createServer((_, response) => response.end());
      server.listen(0, '127.0.0.1', async () => {
        const { headers } = await fetch('http://127.0.0.1:' + server.address().port);
        console.log(headers.get('evenkeel-pod')?.length, typeof require('evenkeel/identify').identify);
        server.close();
        server.closeAllConnections();
      });`,
    );
    const preload = join(project.folder, 'node_modules/evenkeel/dist/identify');
    for (const way of [
      ['--import', `${preload}.js`],
      ['--require', `${preload}.cjs`],
    ]) {
      const { stdout, stderr } = await run(binary, [...way, file]);
      assert.deepEqual([stdout, stderr], ['16 function\n', '']);
    }
  });
}

/** The files of the package that are read when one of them is imported, itself included. */
function readWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, path] of text.matchAll(/^(?:import|export) (?:\{.*\} from )?'(\.{1,2}\/[^']+)';$/gm))
    readWith(join(dirname(file), path!), found);
  return found;
}

const dist = (name: string) => join(project.folder, 'node_modules/evenkeel/dist', name);

test('an import of evenkeel reads few files, as each takes half a millisecond to be found', () => {
  assert.ok(readWith(dist('index.js')).size <= 7);
});

test('a server that names its pod loads neither undici nor what balances', () => {
  const texts = [...readWith(dist('identify-preload.js'))].map((file) => readFileSync(file, 'utf8'));
  assert.ok(texts.every((text) => !text.includes("'undici'") && !text.includes("'lru-cache'")));
  assert.ok(texts.join('').length < 50_000);
});

test('no character of what is imported makes its source take twice the memory', () => {
  // V8 keeps a source in two bytes a character as soon as one of them is not of Latin-1.
  for (const file of readWith(dist('index.js'))) {
    const text = readFileSync(file, 'utf8');
    assert.equal(
      [...text].find((character) => character > '\u00ff'),
      undefined,
      file,
    );
  }
});

// undici 8 fills the slots as it loads: from then on nobody knows what was in them.
for (const name of ['evenkeel', 'evenkeel/http', 'evenkeel/grpc', 'evenkeel/connect']) {
  test(`the global dispatcher that a process has is the same after an import of ${name}`, async () => {
    const file = join(project.folder, 'slot.mjs');
    const script = `
      const slot = Symbol.for('undici.globalDispatcher.1');
      const dispatcher = { dispatch() {} };
      Object.defineProperty(globalThis, slot, { value: dispatcher, writable: true, configurable: true });
      await import('${name}');
      console.log(globalThis[slot] === dispatcher);`;
    writeFileSync(file, script);
    assert.equal((await run(process.execPath, [file])).stdout, 'true\n');
  });
}

test('evenkeel/http has agents of Node’s, which stats() knows of', async () => {
  const file = join(project.folder, 'http.cjs');
  const script = `
    const { BalancedHttpAgent, BalancedHttpsAgent } = require('evenkeel/http');
    const { staticResolver, stats } = require('evenkeel');
    const http = require('node:http');
    const server = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1', async () => {
      const discovery = staticResolver([server.address()]);
      const agent = new BalancedHttpAgent({ discovery });
      await new Promise((resolve) => http.get('http://orders.prod', { agent }, resolve));
      console.log(agent instanceof http.Agent, new BalancedHttpsAgent().protocol, Object.keys(stats()).join());
      agent.destroy();
      server.close();
    });`;
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, [file]);
  assert.equal(stdout.trim(), 'true https: http://orders.prod', stderr);
});

test('evenkeel/connect needs no connect-node to be imported, and stats() knows of its calls', async () => {
  const file = join(project.folder, 'connect.cjs');
  const script = `
    const { balancedSessions } = require('evenkeel/connect');
    const { staticResolver, stats } = require('evenkeel');
    const http2 = require('node:http2');
    const server = http2.createServer((_, response) => response.end('served')).listen(0, '127.0.0.1', async () => {
      const sessions = balancedSessions('http://orders.prod', { discovery: staticResolver([server.address()]) });
      const stream = await sessions.request('POST', '/Echo', {}, {});
      stream.on('data', (chunk) => console.log(String(chunk), Object.keys(stats()).join()));
      stream.end().on('close', () => sessions.close().then(() => server.close()));
    });`;
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, [file]);
  assert.equal(stdout.trim(), 'served http://orders.prod', stderr);
});

test('the entry points know of the same agents, and those for metrics load no undici', async () => {
  const file = join(project.folder, 'metrics.cjs');
  const script = `
    const { instrument } = require('evenkeel/prometheus');
    require('evenkeel/opentelemetry').instrument()();
    const { register } = require('prom-client');
    console.log(Symbol.for('undici.globalDispatcher.2') in globalThis);
    const { BalancedAgent } = require('evenkeel');
    instrument();
    const agent = new BalancedAgent();
    const options = { origin: 'http://orders.prod', path: '/', method: 'GET' };
    agent.request(options).catch(() => undefined);
    register.metrics().then((text) => {
      console.log(text.includes('server_address="orders.prod"'));
      return agent.destroy();
    });`;
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, [file]);
  assert.equal(stdout, 'false\ntrue\n');
  // There is no SDK.
  assert.match(stderr, /^[^\n]*EVENKEEL_NO_METER_PROVIDER[^\n]*\n[^\n]*trace-warnings[^\n]*\n$/);
});

/** What apps import, with a name that each has. */
const IMPORTED = {
  evenkeel: 'BalancedAgent',
  'evenkeel/http': 'BalancedHttpAgent',
  'evenkeel/grpc': 'installGrpc',
  'evenkeel/connect': 'balancedSessions',
  'evenkeel/prometheus': 'instrument',
  'evenkeel/opentelemetry': 'instrument',
};

test('an app that requires evenkeel and imports it has one copy', async () => {
  const file = join(project.folder, 'same.cjs');
  const script = `
    (async () => {
      for (const [path, name] of Object.entries(${JSON.stringify(IMPORTED)}))
        console.log(require(path)[name] === (await import(path))[name]);
    })();`;
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, [file]);
  assert.deepEqual([stdout, stderr], ['true\n'.repeat(6), '']);
});

// Jest runs tests in CommonJS by default, looks packages up by the condition `require`, and can't require modules. Node.js does the
// same with this flag.
test('evenkeel can be required where modules can’t be, as in Jest', async () => {
  const file = join(project.folder, 'commonjs.cjs');
  const script = `
    for (const [path, name] of Object.entries(${JSON.stringify(IMPORTED)}))
      if (typeof require(path)[name] !== 'function') throw new Error(path);
    const { BalancedAgent, install, staticResolver, stats } = require('evenkeel');
    const { BalancedHttpAgent } = require('evenkeel/http');
    const http = require('node:http');
    const server = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1', async () => {
      const options = { discovery: staticResolver([server.address()]) };
      const ask = (url, agent) => new Promise((resolve) => http.get(url, { agent }, (response) => resolve(response.resume().statusCode)));
      console.log(await ask('http://by-http', new BalancedHttpAgent(options)));
      const response = await new BalancedAgent(options).fetch('http://by-fetch');
      await response.text();
      install({ ...options, hosts: ['installed'] });
      await (await fetch('http://installed')).text();
      console.log(await ask('http://installed'), Object.keys(stats()).join());
      process.exit();
    });`;
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, ['--no-experimental-require-module', file]);
  assert.deepEqual([stdout, stderr], ['200\n200 http://by-http,http://by-fetch,http://installed\n', '']);
});

test('where modules can’t be imported either, as in Jest, the preloads are there a moment later', async () => {
  const file = join(project.folder, 'preloads.cjs');
  const script = `
    const { createRequire } = require('node:module');
    for (const name of ['register', 'identify']) {
      const path = require.resolve('evenkeel/' + name);
      // A script of node:vm has no import().
      const code = '(function (require, module, exports, __filename) {' + require('node:fs').readFileSync(path, 'utf8') + '})';
      require('node:vm').runInThisContext(code)(createRequire(path), { exports: {} }, {}, path);
    }
    const server = require('node:http').createServer((_, response) => response.end()).listen(0, 'localhost', async () => {
      for (;;) {
        const { headers } = await fetch('http://localhost:' + server.address().port);
        if (headers.has('evenkeel-pod') && Object.keys(require('evenkeel').stats()).length > 0) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
      console.log('both');
      process.exit();
    });`;
  writeFileSync(file, script);
  const { stdout, stderr } = await run(process.execPath, ['--no-experimental-require-module', file]);
  assert.deepEqual([stdout, stderr], ['both\n', '']);
});

for (const [file, module, resolution] of [
  ['install.cts', 'nodenext', 'nodenext'],
  ['install.mts', 'node16', 'node16'],
  ['install.ts', 'esnext', 'bundler'],
] as const) {
  test(`types are found in ${file}, with module resolution ${resolution}`, () => {
    const path = join(project.folder, file);
    writeFileSync(
      path,
      `import { install } from 'evenkeel';
      import { instrument } from 'evenkeel/prometheus';
      import 'evenkeel/register';
      install({ policy: 'round-robin' });
      instrument();`,
    );
    const options = ['--target', 'es2024', '--module', module, '--moduleResolution', resolution];
    compile('--ignoreConfig', ...options, '--strict', '--noEmit', '--skipLibCheck', path);
  });
}

const EXAMPLE = `
  import { BalancedAgent, EvenkeelError, install, type ServiceStats } from 'evenkeel';
  import { balancedSessions, type BalancedSessions } from 'evenkeel/connect';
  import { BalancedHttpAgent } from 'evenkeel/http';
  import { instrument } from 'evenkeel/prometheus';
  import 'evenkeel/register';
  const agent: BalancedAgent = install({ policy: 'round-robin' });
  const stats: Record<string, ServiceStats> = agent.stats;
  const sessions: BalancedSessions = balancedSessions('http://orders.prod', { connectTimeoutMs: 5 });
  sessions.close().then(() => sessions.state());
  agent.fetch('http://orders.prod').then((response) => response.text());
  try {
    instrument();
  } catch (error) {
    if (error instanceof EvenkeelError) console.log(stats, error.code, new BalancedHttpAgent());
  }`;

for (const version of COMPILERS) {
  test(`TypeScript ${version} finds the types, from ECMAScript modules and from CommonJS`, async (t) => {
    const compiler = await installCompiler(project.folder, version);
    if ('error' in compiler && !process.env.CI) return t.skip(compiler.error);
    assert.ok('path' in compiler, JSON.stringify(compiler));
    for (const [extension, module, resolution] of resolutionsOf(version)) {
      const path = join(project.folder, `example.${extension}`);
      writeFileSync(path, EXAMPLE);
      const options = [
        '--module',
        module,
        '--moduleResolution',
        resolution,
        '--target',
        'es2022',
        '--types',
        'node',
      ];
      const ignore = version === '7' ? ['--ignoreConfig'] : [];
      const all = [...ignore, ...options, '--strict', '--noEmit', '--skipLibCheck', path];
      const { code, stdout } = await run(compiler.path, all);
      assert.equal(code, 0, `${extension}, ${module}, ${resolution}: ${stdout}`);
    }
  });
}

test('wrong options are seen by the compiler', () => {
  const file = join(project.folder, 'wrong.ts');
  writeFileSync(file, "import { install } from 'evenkeel';\n\ninstall({ policy: 'fastest' });\n");
  const options = ['--target', 'es2024', '--module', 'nodenext', '--strict', '--noEmit', '--skipLibCheck'];
  assert.throws(() => compile('--ignoreConfig', ...options, file), /'"fastest"' is not assignable/);
});

/** An app that sends a request with node:http in the turn in which it installs evenkeel. */
const APP = `
  const server = http.createServer((_, response) => response.end()).listen(0, '127.0.0.1', async () => {
    install({ hosts: ['orders.prod'], discovery: staticResolver([{ address: '127.0.0.1', port: server.address().port }]) });
    const ask = () => new Promise((resolve) => {
      http.get('http://orders.prod', (response) => resolve(response.resume().statusCode)).on('error', ({ code }) => resolve(code));
    });
    const first = await ask();
    let last = first;
    while (last !== 200) last = await ask();
    console.log(first, Object.keys(stats()).join());
    await uninstall();
    server.close();
    server.closeAllConnections();
  });`;
const NAMES = 'install, staticResolver, stats, uninstall';
const ESBUILD = /^npx (esbuild .*)$/m.exec(readFileSync(join(ROOT, 'docs/frameworks.md'), 'utf8'))![1]!;

for (const [what, app, changed, first] of [
  ['a module', 'app.js', ESBUILD, '200'],
  ['CommonJS', 'app.js', ESBUILD.replace('--format=esm', '--format=cjs'), '200'],
  ['CommonJS from CommonJS', 'app.cjs', ESBUILD.replace('--format=esm', '--format=cjs'), '200'],
  ['a module, with conditions of one’s own', 'app.js', `${ESBUILD} --conditions=mine`, 'ENOTFOUND'],
] as const) {
  test(`evenkeel in a bundle of esbuild's that is ${what} balances node:http`, async () => {
    const folder = join(project.folder, 'bundle');
    mkdirSync(join(folder, 'dist'), { recursive: true });
    const imports = `import http from 'node:http'; import { ${NAMES} } from 'evenkeel';`;
    const requires = `const http = require('node:http'); const { ${NAMES} } = require('evenkeel');`;
    writeFileSync(join(folder, app), (app === 'app.js' ? imports : requires) + APP);
    const bundle = join(folder, 'dist', changed.includes('=cjs') ? 'app.cjs' : 'app.mjs');
    const command = changed.replace('app.js', app).replace(/--outfile=\S+/, `--outfile=${bundle}`);
    const [name, ...args] = command.split(' ');
    execFileSync(join(ROOT, 'node_modules/.bin', name!), [...args, '--log-level=error'], { cwd: folder });
    const { stdout, stderr } = await run(process.execPath, [bundle]);
    assert.equal(stdout, `${first} http://orders.prod\n`, stderr);
  });
}

for (const format of ['esm', 'cjs']) {
  test(`in a bundle of format ${format}, EVENKEEL_ADMIN serves the data of the page, without the page`, async () => {
    const folder = mkdtempSync(join(project.folder, 'bundle-'));
    const app = `
      import http from 'node:http'; import { install } from 'evenkeel';
      const listener = http.createServer().listen(0, '127.0.0.1', async () => {
        const { port } = listener.address();
        await new Promise((resolve) => listener.close(resolve));
        install({ admin: port });
        const statusOf = async (path) => (await fetch('http://127.0.0.1:' + port + path)).status;
        for (;;) {
          const status = await statusOf('/stats').catch(() => 0);
          if (status === 200) console.log(status, await statusOf('/'));
          if (status === 200) process.exit();
          await new Promise((resolve) => setImmediate(resolve));
        }
      });`;
    writeFileSync(join(folder, 'app.mjs'), app);
    const bundle = join(folder, `out.${format === 'esm' ? 'mjs' : 'cjs'}`);
    const args = ['app.mjs', '--bundle', '--platform=node', `--format=${format}`, '--log-level=error'];
    const others = ['--external:undici', '--external:@kubernetes/client-node', `--outfile=${bundle}`];
    execFileSync(join(ROOT, 'node_modules/.bin/esbuild'), [...args, ...others], { cwd: folder });
    const { stdout, stderr } = await run(process.execPath, [bundle]);
    assert.equal(stdout, '200 404\n', stderr);
  });
}

test('no bundler takes a folder of the package for a file that it must copy', () => {
  for (const file of project.files.filter((path) => path.endsWith('.js')))
    assert.doesNotMatch(
      readFileSync(join(project.folder, 'node_modules/evenkeel', file), 'utf8'),
      /new URL\([^)]*import\.meta/,
    );
});

test('evenkeel in a bundle of Rollup’s balances node:http', async () => {
  const { stdout, stderr } = await runRolled(
    `import http from 'node:http'; import { ${NAMES} } from 'evenkeel';${APP}`,
  );
  assert.equal(stdout, '200 http://orders.prod\n', stderr);
});

// Rollup puts what is imported at run time behind the app then.
test('an app that awaits requests at top level is balanced in a single file of Rollup’s', async () => {
  const app = `
    import http from 'node:http'; import { ${NAMES} } from 'evenkeel';
    const server = http.createServer((_, response) => response.end());
    await new Promise((resolve) => server.listen(0, resolve));
    install();
    const { status } = await fetch('http://localhost:' + server.address().port);
    console.log(status, Object.keys(stats()).length);
    process.exit();`;
  const { stdout, stderr } = await runRolled(app, { inlineDynamicImports: true });
  assert.deepEqual([stdout, stderr], ['200 1\n', '']);
});

async function runRolled(app: string, options: OutputOptions = {}) {
  const folder = mkdtempSync(join(project.folder, 'rolled-'));
  const file = join(folder, 'app.js');
  writeFileSync(file, app);
  const dist = join(project.folder, 'node_modules/evenkeel/dist');
  // As a plugin that finds packages would, by the conditions that bundlers have.
  const found = {
    name: 'found',
    resolveId: (id: string) => (id === 'evenkeel' ? join(dist, 'bundled.js') : null),
  };
  const isOther = (id: string) => !/^(\.|\/|evenkeel$)/.test(id);
  const bundle = await rollup({ input: file, external: isOther, plugins: [found], onLog: () => undefined });
  await bundle.write({ ...options, dir: join(folder, 'dist'), format: 'es', entryFileNames: '[name].mjs' });
  return run(process.execPath, [join(folder, 'dist/app.mjs')]);
}
