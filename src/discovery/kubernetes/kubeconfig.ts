import { request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { EvenkeelError } from '../../errors.ts';
import type { ApiResponse, AskingTransport } from './api.ts';

/**
 * Speaks to the API server that a kubeconfig names, as its user. `paths` may be several files, separated as in
 * `KUBECONFIG`. The package `@kubernetes/client-node` reads it: certificates, exec plugins, OIDC and proxies
 * work as they do in it.
 * @throws EvenkeelError `EVENKEEL_KUBECONFIG` when the package isn't installed, or the file can't be used.
 */
export async function kubeconfigTransport(paths: string): Promise<AskingTransport> {
  const { KubeConfig } = await clientNode();
  const load = () => loaded(KubeConfig, paths);
  let config = load();
  async function ask(path: string, question: object | undefined, signal: AbortSignal): Promise<ApiResponse> {
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw unusable(paths, new Error('its current context names no cluster'));
    const options: RequestOptions = { signal };
    await config.applyToHTTPSOptions(options);
    const response = await send(`${server.replace(/\/$/, '')}${path}`, options, question);
    // Client certificates and tokens in the file may have been replaced.
    if (response.status === 401) config = load();
    return response;
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
      'reading a kubeconfig takes a package that is not installed: npm install @kubernetes/client-node',
      { cause },
    );
  }
}

function loaded(Config: typeof KubeConfig, paths: string): KubeConfig {
  const [first = '', ...others] = paths.split(delimiter).filter((path) => path !== '');
  try {
    const config = new Config();
    config.loadFromFile(first);
    for (const path of others) {
      const other = new Config();
      other.loadFromFile(path);
      // As kubectl does: the first file that names a context wins.
      config.mergeConfig(other, Boolean(config.currentContext));
    }
    return config;
  } catch (cause) {
    throw unusable(paths, cause);
  }
}

function unusable(paths: string, cause: unknown): EvenkeelError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EvenkeelError('EVENKEEL_KUBECONFIG', `the kubeconfig ${paths} can't be used: ${reason}`, {
    cause,
  });
}
