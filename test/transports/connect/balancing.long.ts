import { testKinds } from './kinds.ts';

testKinds('gRPC-Web');
