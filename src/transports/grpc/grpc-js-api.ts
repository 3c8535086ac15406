// The shapes of what is used of @grpc/grpc-js, as far as it is used.

/** A message that is set apart from others by its class there, and made by what it has public. */
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

/** What a pick may lead to. */
export interface PickedSubchannel {
  getConnectivityState(): number;
  getChannelzRef(): unknown;
  /** For what grpc-js traces. */
  getAddress(): string;
  /** Since 1.13. */
  getCallCredentials?(): unknown;
  /** What is in there is private: see `session.ts`. */
  getRealSubchannel(): object;
}

/** A connection of grpc-js: one for each address, arguments and credentials, whoever in the process asks for it. */
export interface Subchannel extends PickedSubchannel {
  addConnectivityStateListener(listener: StateListener): void;
  removeConnectivityStateListener(listener: StateListener): void;
  startConnecting(): void;
  ref(): void;
  unref(): void;
}

/** Whom a call on a connection tells what comes. */
export interface CallListener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: Buffer): void;
  onReceiveStatus(status: StatusObject): void;
}

/** What a message is written with. */
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
  /** Versions before 1.14 say the code alone. */
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

/** As grpc-js keeps it once it is checked. */
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

/** What balances the calls of one channel. */
export interface ChannelPolicy {
  /** Has it begin, with the arguments that its subchannels are to have. */
  start(given: unknown, args: ChannelArgs): void;
  destroy(): void;
}

/** The class that grpc-js makes load balancers of, and the one that it reads their configuration with. */
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
