import { accessSync, constants } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { EvenkeelError } from '../../core/base/errors.ts';
import type { ApiResponse, AskingTransport } from '../../core/discovery/kubernetes/api.ts';

/**
 * A way to the API server that a kubeconfig names, as its user. `paths` may be several files, separated as in
 * `KUBECONFIG`. The package `@kubernetes/client-node` reads them, so certificates, exec plugins, OIDC and proxies work
 * as with that package.
 * @throws EvenkeelError `EVENKEEL_KUBECONFIG` if the package isn't installed, or a file can't be used
 */
export async function kubeconfigTransport(paths: string): Promise<AskingTransport> {
  // If a file is missing, the error should not blame the package.
  for (const path of filesIn(paths)) checkReadable(path, paths);
  const { KubeConfig } = await clientNode();
  const load = () => loaded(KubeConfig, paths);
  let config = load();
  async function ask(path: string, question: object | undefined, signal: AbortSignal): Promise<ApiResponse> {
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw unusable(paths, new Error('its current context names no cluster'));
    const options: RequestOptions = { signal };
    await prove(config, options);
    try {
      const response = await send(`${server.replace(/\/$/, '')}${path}`, options, question);
      // Client certificates and tokens in the file may have been replaced,
      if (response.status === 401) config = load();
      return response;
    } catch (error) {
      // or the CA.
      if (/CERT|SIGNATURE/.test((error as NodeJS.ErrnoException).code ?? '')) config = load();
      throw error;
    }
  }

  return {
    namespace: config.getContextObject(config.currentContext)?.namespace,
    get: (path, signal) => ask(path, undefined, signal),
    post: ask,
  };
}

function send(url: string, options: RequestOptions, question: object | undefined): Promise<ApiResponse> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const method = question === undefined ? 'GET' : 'POST';
  const headers = {
    ...options.headers,
    accept: 'application/json',
    'user-agent': 'evenkeel',
    ...(question && { 'content-type': 'application/json' }),
  };
  return new Promise((resolve, reject) => {
    request(url, { ...options, method, headers }, (response) =>
      resolve({
        status: response.statusCode ?? 0,
        retryAfter: response.headers['retry-after'],
        body: response,
      }),
    )
      .on('socket', (socket) => socket.unref())
      .on('error', reject)
      .end(question && JSON.stringify(question));
  });
}

async function clientNode(): Promise<typeof import('@kubernetes/client-node')> {
  try {
    return await import('@kubernetes/client-node');
  } catch (cause) {
    throw new EvenkeelError(
      'EVENKEEL_KUBECONFIG',
      'to read a kubeconfig, evenkeel needs a package that is not installed: npm install @kubernetes/client-node',
      { cause },
    );
  }
}

function loaded(Config: typeof KubeConfig, paths: string): KubeConfig {
  const [first = '', ...others] = filesIn(paths);
  try {
    const config = new Config();
    config.loadFromFile(first);
    for (const path of others) {
      const other = new Config();
      other.loadFromFile(path);
      // As in kubectl: the first file that names a context wins.
      config.mergeConfig(other, Boolean(config.currentContext));
    }
    return config;
  } catch (cause) {
    throw unusable(paths, cause);
  }
}

function filesIn(paths: string): string[] {
  return paths.split(delimiter).filter((path) => path !== '');
}

function checkReadable(path: string, paths: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw unusable(paths, cause);
  }
}

/** Adds the credentials to `options`. An exec plugin may be asked for them, and nobody else may see its answer. */
async function prove(config: KubeConfig, options: RequestOptions): Promise<void> {
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new EvenkeelError('EVENKEEL_KUBECONFIG', "what the kubeconfig's plugin printed is not JSON");
  }
}

/** A parser's error quotes the lines around the mistake, with credentials in them. So it isn't kept as the cause. */
function unusable(paths: string, error: unknown): EvenkeelError {
  const { mark, reason = '' } = error as { mark?: { line: number; column: number }; reason?: string };
  const says = mark
    ? `${withoutText(reason)} (line ${mark.line + 1}, column ${mark.column + 1})`
    : error instanceof Error
      ? error.message
      : String(error);
  return new EvenkeelError(
    'EVENKEEL_KUBECONFIG',
    `the kubeconfig ${paths} can't be used: ${says}`,
    mark ? undefined : { cause: error },
  );
}

/** The parser's own words only: the names of aliases and tags that follow them are text of the file. */
function withoutText(reason: string): string {
  const [words = ''] = /^[^":!<]*/.exec(reason) ?? [];
  return words.trim();
}
