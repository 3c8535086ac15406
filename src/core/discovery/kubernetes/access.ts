import type { Clock } from '../../base/clock.ts';
import { ApiError, type AskingTransport } from './api.ts';
import { readObject } from './api-client.ts';
import type { ServiceName } from './match.ts';

/** A right in a namespace. */
export interface Right {
  readonly verb: string;
  /** The API group; empty for the core group. */
  readonly group: string;
  readonly resource: string;
}

/** The rights that evenkeel needs to follow a Service. `evenkeel rbac` grants exactly these. */
export const NEEDED: readonly Right[] = [
  { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices' },
  { verb: 'watch', group: 'discovery.k8s.io', resource: 'endpointslices' },
  { verb: 'list', group: '', resource: 'services' },
  { verb: 'watch', group: '', resource: 'services' },
];

const AUTHORIZATION = 'authorization.k8s.io/v1';
const AUTHENTICATION = 'authentication.k8s.io/v1';

/** Asks the Kubernetes API who this process is, and what it may do. Anybody may ask that. */
export class Access {
  readonly #transport: AskingTransport;
  readonly #clock: Clock;

  constructor(transport: AskingTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /**
   * Whether this process has a right in a namespace.
   * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
   *
   * @throws ApiError, or an error of the network, if that can't be found out
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

  /** The service account of this process; `undefined` if it is another kind of user, or the API is too old to tell. */
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
