// The part that balances the calls of grpc-js. Loaded with the first copy of grpc-js.
export { COPY } from '../../../core/base/part.ts';
export { GrpcBalancing, isBalanced } from '../grpc-balancing.ts';
export { isGrpcJs } from '../grpc-js.ts';
