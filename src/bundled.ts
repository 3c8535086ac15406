// Bundlers use this file instead of `index.ts`, because of the condition `module` in package.json. A bundler includes
// what it sees imported. So all parts are imported here, and none is looked for at run time.
import './transports/undici/global/inert.ts';
import { giveParts } from './parts.ts';
import * as grpc from './transports/grpc/global/part.ts';
import * as http from './transports/http/global/part.ts';

giveParts(http, grpc);

export * from './index.ts';
