import type { Duration } from './duration.ts';

/** How long connections live, what they carry, and how many there are. */
export interface PoolOptions {
  /**
   * How long a connection takes requests, from the moment it connected. After that, it finishes the requests
   * that it has, and closes. So requests reach new pods. evenkeel shortens this time at random for each
   * connection, by up to `connectionDurationJitter`. By default, a connection whose pod can't be dialled at
   * that moment lives on until the pod can be dialled. If you set this option, the connection closes in any
   * case.
   * Milliseconds or a duration string; default `'60s'` behind a virtual IP and `'5m'` for visible pods, and a
   * value of yours sets both; `0` means no limit.
   * Env: `EVENKEEL_MAX_CONNECTION_DURATION`.
   */
  maxConnectionDuration?: Duration;

  /**
   * The largest part of `maxConnectionDuration` by which evenkeel shortens the life of a connection, at random.
   * So connections that were opened together don't close together.
   * A number from 0 to 1; default `0.25`; `0` means that all connections live equally long.
   * Env: `EVENKEEL_CONNECTION_DURATION_JITTER`.
   */
  connectionDurationJitter?: number;

  /**
   * How many requests (with HTTP/2: streams) a connection carries. When the last of them has ended, the
   * connection closes.
   * An integer; default `0`, which means no limit.
   * Env: `EVENKEEL_MAX_REQUESTS_PER_CONNECTION`.
   */
  maxRequestsPerConnection?: number;

  /**
   * How long a connection that takes no more requests waits for the requests that it has. After that, evenkeel
   * destroys it, and these requests fail. Event streams and upgraded sockets may always go on.
   * Milliseconds or a duration string; default `0`, which means that it waits for as long as they take.
   * Env: `EVENKEEL_DRAIN_TIMEOUT`.
   */
  drainTimeout?: Duration;

  /**
   * How long connecting to a pod may take: TCP, and TLS after it. If it takes more than three seconds, evenkeel
   * uses other pods meanwhile, and the attempt goes on. If a pod has requests and is silent, evenkeel dials it
   * again; if the pod doesn't answer within this time (at most three seconds) and acknowledges nothing that it
   * was sent, evenkeel takes it to be gone.
   * Milliseconds or a duration string; default `'10s'`, as in undici; `0` means no limit but the system's.
   * Env: `EVENKEEL_CONNECT_TIMEOUT`.
   */
  connectTimeout?: Duration | null;

  /**
   * How many connections evenkeel opens to one endpoint at most. An endpoint is a pod, or one of the `spread`
   * connections to a virtual IP. Further requests wait, see `maxPendingRequests`.
   * An integer; by default, and with `0` or `null`, there is no limit.
   * Env: `EVENKEEL_CONNECTIONS`.
   */
  connections?: number | null;

  /**
   * How many connections evenkeel uses in turn behind a virtual IP. There, kube-proxy chooses a pod for each
   * connection, so more connections reach more pods. `'auto'`: as many as the rate of requests keeps alive,
   * from 8 to half of `maxSpread`. (Each gets two requests in the time for which the server keeps an idle
   * connection.)
   * `'auto'`, or an integer of 1 or more, which fixes the number; default `'auto'`.
   * Env: `EVENKEEL_SPREAD`.
   */
  spread?: number | 'auto';

  /**
   * The response header in which pods name themselves, for example `'x-pod-name'`. Once two pods behind a
   * virtual IP have named themselves, evenkeel balances over the pods, and looks for new ones with less than
   * two dials a second. Pods that don't name themselves get their share too, by connection. If the names can't
   * be those of pods (because a name changes on one connection, for example), evenkeel doesn't look at names
   * for ten minutes.
   * The name of a header, or `false` for none; default `'evenkeel-pod'`, which `evenkeel/identify` sets. With
   * the policy `'ring-hash'`, evenkeel doesn't look at the default header, because keys lead to connections
   * there.
   * Env: `EVENKEEL_IDENTITY_HEADER`.
   */
  identityHeader?: string | false;

  /**
   * How many pods evenkeel stays connected to, behind a virtual IP where pods name themselves. Half of this
   * number is also the most connections that `spread: 'auto'` uses (but it uses at least 8).
   * An integer, 1 or more; default `64`.
   * Env: `EVENKEEL_MAX_SPREAD`.
   */
  maxSpread?: number;
}
