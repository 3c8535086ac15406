import './transports/undici/global/inert.ts';

export type { EndpointStats, ServiceStats } from './telemetry/stats.ts';
export type { GrpcBalancing } from './transports/grpc/grpc-balancing.ts';
export { installGrpc } from './transports/grpc/install-grpc.ts';
export type { GrpcOptions } from './transports/grpc/options.ts';
