import type { Clock } from '../../base/clock.ts';
import { ApiError, type AskingTransport } from './api.ts';
import { readObject } from './api-client.ts';
import type { ServiceName } from './match.ts';

/** A right to something in a namespace. */
export interface Right {
  readonly verb: string;
  /** The API group; that of the core is empty. */
  readonly group: string;
  readonly resource: string;
}

/** What following a Service takes, as `evenkeel rbac` grants it. */
export const NEEDED: readonly Right[] = [
  { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices' },
  { verb: 'watch', group: 'discovery.k8s.io', resource: 'endpointslices' },
  { verb: 'list', group: '', resource: 'services' },
  { verb: 'watch', group: '', resource: 'services' },
];

const AUTHORIZATION = 'authorization.k8s.io/v1';
const AUTHENTICATION = 'authentication.k8s.io/v1';

/** Asks the Kubernetes API who we are to it, and what we may do: which anybody may ask. */
export class Access {
  readonly #transport: AskingTransport;
  readonly #clock: Clock;

  constructor(transport: AskingTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /**
   * Whether we have a right in a namespace.
   * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
   *
   * @throws ApiError, or what the network has to say, when that can't be found out
   */
  async allows(right: Right, namespace: string, signal: AbortSignal): Promise<boolean> {
    const review = await this.#ask<{ status?: { allowed?: boolean } }>(
      AUTHORIZATION,
      'SelfSubjectAccessReview',
      { spec: { resourceAttributes: { namespace, ...right } } },
      signal,
    );
    return review.status?.allowed === true;
  }

  /** Our service account; `undefined` when we come as somebody else, or the API is too old to tell. */
  async account(signal: AbortSignal): Promise<ServiceName | undefined> {
    const review = await this.#ask<{ status?: { userInfo?: { username?: string } } }>(
      AUTHENTICATION,
      'SelfSubjectReview',
      {},
      signal,
    ).catch((error: unknown) => {
      if (error instanceof ApiError) return undefined;
      throw error;
    });
    const username = review?.status?.userInfo?.username ?? '';
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
    return namespace && name ? { namespace, name } : undefined;
  }

  #ask<T>(apiVersion: string, kind: string, question: object, signal: AbortSignal): Promise<T> {
    const path = `/apis/${apiVersion}/${kind.toLowerCase()}s`;
    return readObject(this.#clock, signal, (signal) =>
      this.#transport.post(path, { apiVersion, kind, ...question }, signal),
    );
  }
}
