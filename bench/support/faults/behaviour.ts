export interface PodSpec {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export interface Behaviour {
  /** What comes back: at once a 503, or nothing at all, or what is right. */
  readonly answers: 'well' | '503' | 'never';
  /** Milliseconds that a request takes that is answered well. */
  readonly work: number;
  /** Whether the health check says so. */
  readonly ready: boolean;
  /** Milliseconds after which an idle connection is closed, of which no response speaks; 0: it isn't. */
  readonly idleTimeout: number;
}

export const HEALTHY: Behaviour = { answers: 'well', work: 10, ready: true, idleTimeout: 0 };
export const HEALTH_PATH = '/healthz';
