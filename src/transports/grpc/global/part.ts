// What balances the calls of grpc-js. Loaded when the first copy of that is.
export { COPY } from '../../../core/base/part.ts';
export { GrpcBalancing, isBalanced } from '../grpc-balancing.ts';
export { isGrpcJs } from '../grpc-js.ts';
