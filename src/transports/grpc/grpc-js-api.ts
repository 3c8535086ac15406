// The parts of @grpc/grpc-js that evenkeel uses, as types.

/** Metadata. grpc-js makes it with its own class, and only its public methods are used. */
export interface Metadata {
  get(key: string): (string | Buffer)[];
  set(key: string, value: string): void;
}

export interface StatusObject {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

type StateListener = (
  subchannel: unknown,
  before: number,
  now: number,
  keepaliveTime: number,
  error?: string,
) => void;

/** What a pick may return. */
export interface PickedSubchannel {
  getConnectivityState(): number;
  getChannelzRef(): unknown;
  /** grpc-js uses this in its traces. */
  getAddress(): string;
  /** Since 1.13. */
  getCallCredentials?(): unknown;
  /** It is private: see `session.ts`. */
  getRealSubchannel(): object;
}

/** A connection of grpc-js. There is one in the process for each address, arguments and credentials. */
export interface Subchannel extends PickedSubchannel {
  addConnectivityStateListener(listener: StateListener): void;
  removeConnectivityStateListener(listener: StateListener): void;
  startConnecting(): void;
  ref(): void;
  unref(): void;
}

/** Hears what comes for a call on a connection. */
export interface CallListener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: Buffer): void;
  onReceiveStatus(status: StatusObject): void;
}

/** How a message is written. */
export interface WriteContext {
  readonly flags?: number | undefined;
  callback?(error?: Error | null): void;
}

/** A call on a connection. */
export interface SubchannelCall {
  sendMessageWithContext(context: WriteContext, message: Buffer): void;
  startRead(): void;
  halfClose(): void;
  cancelWithStatus(code: number, details: string): void;
  getPeer(): string;
  getCallNumber(): number;
  getDeadlineInfo(): string[];
  /** Since 1.14. */
  getAuthContext(): unknown;
}

export interface PickArgs {
  readonly metadata: Metadata;
}

export interface PickResult {
  readonly pickResultType: number;
  readonly subchannel: PickedSubchannel | null;
  readonly status: StatusObject | null;
  readonly onCallStarted: (() => void) | null;
  /** Versions before 1.14 pass the code only. */
  readonly onCallEnded: ((code: number, details?: string, metadata?: Metadata) => void) | null;
}

export interface GrpcPicker {
  pick(args: PickArgs): PickResult;
}

export type ChannelArgs = Readonly<Record<string, unknown>>;

/** What a load balancer asks of its channel. */
export interface ChannelHelper {
  createSubchannel(address: { host: string; port: number }, args: ChannelArgs, credentials: null): Subchannel;
  updateState(state: number, picker: GrpcPicker, error: string | null): void;
  addChannelzChild(child: unknown): void;
  removeChannelzChild(child: unknown): void;
}

export interface GrpcUri {
  readonly scheme?: string | undefined;
  readonly authority?: string | undefined;
  readonly path: string;
}

/** A service config, as grpc-js keeps it after its check. */
export interface ServiceConfig {
  readonly loadBalancingConfig: readonly object[];
  readonly methodConfig: readonly object[];
  readonly retryThrottling?: object;
}

export interface GrpcResolver {
  updateResolution(): void;
  destroy(): void;
}

export interface GrpcResolverClass {
  new (target: GrpcUri, listener: ResolverListener, options: ChannelArgs): GrpcResolver;
  getDefaultAuthority(target: GrpcUri): string;
}

interface StatusOr<T> {
  readonly ok: boolean;
  readonly value?: T;
}

/** A function since 1.14, an object before. */
export type ResolverListener =
  | ((
      endpoints: StatusOr<unknown[]>,
      attributes: object,
      config: StatusOr<ServiceConfig> | null,
      note: string,
    ) => boolean)
  | {
      onSuccessfulResolution(
        endpoints: unknown[],
        config: ServiceConfig | null,
        configError: StatusObject | null,
        selector: null,
        attributes: object,
      ): void;
      onError(error: StatusObject): void;
    };

/** Balances the calls of one channel. */
export interface ChannelPolicy {
  /** Begins, with the arguments for its subchannels. */
  start(given: unknown, args: ChannelArgs): void;
  destroy(): void;
}

/** The class of which grpc-js makes load balancers, and the class with which it parses their configuration. */
export interface Experimental {
  registerResolver(scheme: string, resolver: GrpcResolverClass): void;
  createResolver(target: GrpcUri, listener: ResolverListener, options: ChannelArgs): GrpcResolver;
  registerLoadBalancerType(name: string, balancer: unknown, config: unknown): void;
  isLoadBalancerNameRegistered(name: string): boolean;
  readonly PickResultType: Readonly<Record<string, unknown>>;
}

export interface GrpcModule {
  readonly experimental: Experimental;
  readonly connectivityState: Readonly<Record<string, unknown>>;
  readonly Metadata: new () => Metadata;
}
